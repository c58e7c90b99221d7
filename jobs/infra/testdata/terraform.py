# Holds a file of Terraform against what the AWS provider takes: each block's
# arguments must be known, those that are required must be there, and each
# reference must be to something that the file declares. What the provider takes
# stands in the signatures of CDKTF's classes, which were generated from its
# schema.
import ast, importlib.util, pathlib, re, sys
import hcl2

provider = pathlib.Path(importlib.util.find_spec("cdktf_cdktf_provider_aws").origin).parent
faults = []


def signatures(name):
    """The classes of a resource: for each its arguments, whether they must be there, and their types.
    And the names of all attributes that can be referred to."""
    module = ast.parse((provider / name / "__init__.py").read_text())
    classes = {}
    attributes = {f.name for c in module.body for f in getattr(c, "body", []) if isinstance(f, ast.FunctionDef)}
    for c in module.body:
        for f in getattr(c, "body", []):
            if isinstance(f, ast.FunctionDef) and f.name == "__init__":
                arguments = {}
                for argument, default in zip(f.args.kwonlyargs, f.args.kw_defaults):
                    arguments[argument.arg] = (default is None, ast.unparse(argument.annotation))
                classes[c.name] = arguments
    return classes, attributes


def check(where, body, classes, name):
    arguments = classes[name]
    given = {k for k in body if not k.startswith("__") and k != "lifecycle"}  # Terraform's own
    for k in sorted(given - arguments.keys()):
        faults.append(f"{where}: unknown argument {k}")
    for k, (required, _) in arguments.items():
        if required and k not in given:
            faults.append(f"{where}: missing argument {k}")
    for k in given & arguments.keys():
        block = next((c for c in re.findall(r"\w+", arguments[k][1]) if c in classes and c != name), None)
        values = body[k] if isinstance(body[k], list) else [body[k]]
        for v in values:
            if isinstance(v, dict) and block:
                check(f"{where}.{k}", v, classes, block)
            elif isinstance(v, dict):
                faults.append(f"{where}: {k} is no block")


text = pathlib.Path(sys.argv[1]).read_text()
file = hcl2.loads(text)
declared, attributes = set(), {}
for kind, prefix in (("resource", ""), ("data", "data.")):
    for block in file[kind]:
        for type_, instances in block.items():
            for name, body in instances.items():
                type_, name = type_.strip('"'), name.strip('"')
                declared.add(f"{prefix}{type_}.{name}")
                folder = ("data_" if kind == "data" else "") + type_
                classes, attributes[f"{prefix}{type_}.{name}"] = signatures(folder if (provider / folder).exists() else folder.replace("aws_", "", 1))
                config = next(c for c in classes if c.endswith("Config") and c.removesuffix("Config") in classes)
                check(f"{prefix}{type_}.{name}", body, classes, config)
declared |= {"var." + name.strip('"') for block in file["variable"] for name in block}
declared |= {"local." + name for block in file["locals"] for name in block if name != "__is_block__"}
references = set(re.findall(r"(?<![\w.\"])((?:var|local|data\.aws_\w+|aws_\w+)\.\w+)(?:\.(\w+))?", re.sub(r"#.*", "", text)))
for reference, attribute in sorted(references):
    if reference not in declared:
        faults.append(f"nothing declares {reference}")
    elif attribute and attribute not in attributes[reference]:
        faults.append(f"{reference} has no attribute {attribute}")
print(len(references), "references")
sys.exit("\n".join(faults) or 0)
