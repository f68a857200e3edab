"""tools/check_style.py finds turns of phrase in messages, not in comments, and joins split literals."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import check_style  # noqa: E402

SOURCE = r'''// so many "rows; 0 = all"
f("rows", rows, "use only the first so "
  "many rows (0 = all)");
f("labels", labels, "labels to keep; 0 = all");
fail("[idx] ", path, ": is no IDX file");
fail("[a] there is no class \"b\" and it is no longer read");
f("types", types, "column types, as \"age=count\"");
'''

found = [line for line, _, _ in check_style.tics(SOURCE)]
assert found == [2, 4, 5, 7], found

# Two types of one name are one to the linker; what a type holds within, and an unnamed namespace, are apart.
with tempfile.TemporaryDirectory() as folder:
    files = {"a/one.h": "class Place {\n};\n", "b/two.h": "struct Place : Other {\n};\nclass Place;\n",
             "b/two.cpp": "struct Place::Inner {\n};\nnamespace {\nstruct Own {\n};\n}  // namespace\n",
             "c/three.cpp": "namespace {\nstruct Own {\n};\n}  // namespace\n"}
    for name, text in files.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    clashes = check_style.type_clashes(pathlib.Path(folder))
assert len(clashes) == 1 and "two.h: the type Place" in clashes[0], clashes
