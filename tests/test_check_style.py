"""tools/check_style.py finds turns of phrase in messages, not in comments, and joins split literals."""
import pathlib
import sys

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
