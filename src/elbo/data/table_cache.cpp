#include "elbo/data/table_cache.h"

#include <charconv>
#include <filesystem>

#include "elbo/data/stored_schema.h"
#include "elbo/io/file.h"
#include "elbo/io/json_text.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kFormat = 2, kBlock = 1 << 14;

/// Size and time of a file, in a list; empty where there is none.
Json state_of(const fs::path& path) {
  std::error_code size_failed, time_failed;
  const auto size = static_cast<int64_t>(fs::file_size(path, size_failed));
  const auto time = fs::last_write_time(path, time_failed).time_since_epoch().count();
  return size_failed || time_failed ? Json::array() : Json{size, time};
}

/// Which file it was, and how it was read.
Json fingerprint(const std::string& file, const Json& how) {
  std::error_code failed;
  const auto path = fs::canonical(file, failed);
  check(!failed, "[cache] ", file, ": ", failed.message());
  const auto state = state_of(path);
  check(!state.empty(), "[cache] ", file, ": its size and time cannot be read");
  // SQLite writes to a file beside the database at first.
  return {{"format", kFormat},
          {"file", path.string()},
          {"state", state},
          {"log", state_of(path.string() + "-wal")},
          {"how", how}};
}

std::string name_of(const Json& fingerprint) {
  const auto key = Draw{}.key(fingerprint.dump());
  char digits[17] = {};
  std::to_chars(digits, digits + 16, key, 16);
  return digits;
}

Json to_json(const Schemas& schemas) {
  return {{"x", to_json(schemas.x)}, {"y", to_json(schemas.y)}};
}

/// None where the folder has nothing for this file; what is there and damaged is read anew.
std::optional<StoredRows> find(const fs::path& base, const Json& wanted) {
  std::error_code ignored;
  const auto about_path = base.string() + ".json";
  if (!fs::exists(about_path, ignored)) return std::nullopt;
  try {
    const auto about = parse_json(read_plain_file(about_path), about_path);
    if (about.at("of") != wanted) return std::nullopt;
    StoredRows stored;
    stored.schemas.x = stored_schema(about.at("schemas").at("x"), about_path);
    stored.schemas.y = stored_schema(about.at("schemas").at("y"), about_path);
    stored.rows =
        std::make_shared<RowStore>(base.string() + ".rows", about.at("width"), about.at("rows"));
    return stored;
  } catch (const Error&) {
    return std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

void keep(const fs::path& base, const Json& of, const StoredRows& stored) {
  AtomicFile file(base.string() + ".rows");
  for (int64_t first = 0; first < stored.rows->size(); first += kBlock) {
    const auto last = std::min(first + kBlock, stored.rows->size());
    const auto rows = stored.rows->rows(torch::arange(first, last, torch::kInt64));
    file.write({static_cast<const char*>(rows.data_ptr()), rows.nbytes()});
  }
  file.commit();
  // Last: what it speaks of is there.
  const Json about{{"of", of},
                   {"schemas", to_json(stored.schemas)},
                   {"width", stored.rows->width()},
                   {"rows", stored.rows->size()}};
  write_file_atomic(base.string() + ".json", about.dump() + "\n");
}

}  // namespace

StoredRows cached_rows(const std::string& folder, const std::string& file, const Json& how,
                       const Schemas* like, const std::function<StoredRows()>& read) {
  if (folder.empty()) return read();
  auto of = fingerprint(file, how);
  auto base = fs::path(folder) / name_of(of);
  const auto found = find(base, of);
  if (found && (!like || to_json(found->schemas) == to_json(*like))) return *found;
  if (like) {
    of["like"] = to_json(*like);
    base = fs::path(folder) / name_of(of);
    if (const auto other = find(base, of)) return *other;
  }
  const auto stored = read();
  // Rows that must look like a model's are read for a stored run, and its options may come from
  // somebody else: what it names is read, never written.
  if (like) return stored;
  std::error_code failed;
  fs::create_directories(folder, failed);
  check(fs::is_directory(folder, failed), "[cache] ", folder, ": cannot make the folder");
  keep(base, of, stored);
  // The copy on the disk serves from now on; a temporary one goes.
  return find(base, of).value_or(stored);
}

}  // namespace elbo
