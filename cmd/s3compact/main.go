// Command s3compact joins the small gzip objects of an S3 data lake and turns
// them into Parquet.
package main

import "os"

func main() {
	os.Exit(newProgram().run(os.Args))
}
