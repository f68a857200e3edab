#pragma once

#include <memory>
#include <string>

namespace elbo {

/// A folder that one process at a time may write to, by a lock of the system on its file ".lock":
/// it goes with the process, however that ends, and no number of a process is taken for an
/// identity.
class FolderLock {
 public:
  /// Raises an Error that says who holds it. Within one process all who ask share one lock. Where
  /// the file system knows no locks, or the folder is read-only, nobody is kept out.
  static std::shared_ptr<FolderLock> take(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  explicit FolderLock(const std::string& folder);

  std::string path_;
  int descriptor_ = -1;
};

/// Whether a folder has a lock's file that nobody holds: its process was killed.
bool is_left_locked(const std::string& folder);

}  // namespace elbo
