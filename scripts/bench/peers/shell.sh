# What an engineer does by hand with one prefix of gzip objects: fetch them, join
# them, prove them, put the result up, read it back, compare, remove the originals.
# shell.sh S5CMD S3://BUCKET/PREFIX/ FOLDER
set -euo pipefail
s5cmd=$1 prefix=$2 dir=$3
rm -rf "$dir"
mkdir -p "$dir/members"
"$s5cmd" --log error cp "$prefix*" "$dir/members/"
find "$dir/members" -name '*.gz' -print0 | LC_ALL=C sort -z | xargs -0 cat >"$dir/joined.json.gz"
gzip -t "$dir/joined.json.gz"
"$s5cmd" --log error cp "$dir/joined.json.gz" "${prefix}joined.json.gz"
"$s5cmd" --log error cp "${prefix}joined.json.gz" "$dir/back.json.gz"
cmp "$dir/joined.json.gz" "$dir/back.json.gz"
find "$dir/members" -type f -printf "rm ${prefix}%P\n" >"$dir/remove"
"$s5cmd" --log error run "$dir/remove"
rm -rf "$dir"
