#include "tests/log/ram_disk.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/check.h"

extern "C" {
int __real_open(const char* path, int flags, ...);
int __real_openat(int directory, const char* name, int flags, ...);
int __real_close(int fd);
int __real_stat(const char* path, struct stat* info);
int __real_lstat(const char* path, struct stat* info);
int __real_fstatat(int directory, const char* name, struct stat* info, int flags);
int __real_fstat(int fd, struct stat* info);
DIR* __real_opendir(const char* path);
dirent* __real_readdir(DIR* listing);
int __real_closedir(DIR* listing);
ssize_t __real_pread(int fd, void* to, size_t size, off_t offset);
ssize_t __real_pwrite(int fd, const void* bytes, size_t size, off_t offset);
int __real_ftruncate(int fd, off_t size);
int __real_fallocate(int fd, int mode, off_t offset, off_t size);
int __real_fdatasync(int fd);
int __real_fsync(int fd);
int __real_renameat(int from_directory, const char* from, int to_directory, const char* to);
int __real_unlinkat(int directory, const char* name, int flags);
int __real_mkdir(const char* path, mode_t mode);
}

namespace roost {
namespace {

struct Node {
  bool is_directory = false;
  ino_t inode = 0;
  std::string bytes;
};
struct OpenNode {
  std::shared_ptr<Node> node;  // nullptr: not one of these
  std::string path;
};
struct Listing {
  std::vector<std::string> names;
  size_t next = 0;
  dirent entry{};
};

std::map<std::string, std::shared_ptr<Node>> nodes;  // by path
std::array<OpenNode, 1024> open_nodes;               // by descriptor
std::set<DIR*> listings;
std::atomic<int> disks = 0;
ino_t next_inode = 1;
int next_disk = 0;

bool IsHere(std::string_view path) { return disks.load() > 0 && path.starts_with(kRamRoot); }

OpenNode* Find(int fd) {
  if (disks.load() == 0 || fd < 0 || fd >= static_cast<int>(open_nodes.size())) return nullptr;
  OpenNode* const at = &open_nodes[static_cast<size_t>(fd)];
  return at->node == nullptr ? nullptr : at;
}

int Fail(int error) {
  errno = error;
  return -1;
}

std::shared_ptr<Node> Make(const std::string& path, bool is_directory) {
  auto node = std::make_shared<Node>();
  node->is_directory = is_directory;
  node->inode = next_inode++;
  nodes[path] = node;
  return node;
}

// A number that nothing else in this program has, of a file that no other program has: the log locks it.
int NewDescriptor() {
  static const int nothing = ::memfd_create("ram-disk", MFD_CLOEXEC);
  const int fd = ::fcntl(nothing, F_DUPFD_CLOEXEC, 0);
  ROOST_CHECK(fd >= 0 && fd < static_cast<int>(open_nodes.size()), "errno={}", errno);
  return fd;
}

int OpenHere(const std::string& path, int flags) {
  const auto found = nodes.find(path);
  std::shared_ptr<Node> node = found == nodes.end() ? nullptr : found->second;
  if (node == nullptr && (flags & O_CREAT) == 0) return Fail(ENOENT);
  if (node == nullptr) {
    if (!nodes.contains(path.substr(0, path.rfind('/')))) return Fail(ENOENT);
    node = Make(path, false);
  }
  if ((flags & O_DIRECTORY) != 0 && !node->is_directory) return Fail(ENOTDIR);
  if ((flags & O_TRUNC) != 0) node->bytes.clear();
  const int fd = NewDescriptor();
  open_nodes[static_cast<size_t>(fd)] = {std::move(node), path};
  return fd;
}

int Describe(const Node& node, struct stat* info) {
  *info = {};
  info->st_mode = node.is_directory ? S_IFDIR | 0700 : S_IFREG | 0600;
  info->st_nlink = 1;
  info->st_uid = ::geteuid();
  info->st_ino = node.inode;
  info->st_size = static_cast<off_t>(node.bytes.size());
  return 0;
}

int DescribePath(const std::string& path, struct stat* info) {
  const auto found = nodes.find(path);
  return found == nodes.end() ? Fail(ENOENT) : Describe(*found->second, info);
}

std::string PathIn(const OpenNode& directory, const char* name) {
  return directory.path + "/" + name;
}

}  // namespace

// ---- for tests ----

RamDisk::RamDisk() : path_(std::string(kRamRoot) + "/" + std::to_string(next_disk++)) {
  ++disks;
  Make(std::string(kRamRoot), true);
  Make(path_, true);
}

RamDisk::~RamDisk() {
  std::erase_if(nodes, [this](const auto& node) { return node.first.starts_with(path_); });
  --disks;
}

void RamDisk::Write(const std::string& directory, const DiskModel::Contents& contents) {
  std::erase_if(nodes, [this](const auto& node) { return node.first.starts_with(path_ + "/"); });
  for (const auto& [name, content] : contents) {
    const std::string path = path_ + name.substr(directory.size());
    for (size_t slash = path.find('/', path_.size() + 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      const std::string parent = path.substr(0, slash);
      if (!nodes.contains(parent)) Make(parent, true);
    }
    Make(path, false)->bytes = content;
  }
}

DiskModel::Contents RamDisk::Read() const {
  DiskModel::Contents contents;
  for (const auto& [path, node] : nodes) {
    if (!node->is_directory && path.starts_with(path_ + "/")) contents[path] = node->bytes;
  }
  return contents;
}

// ---- the calls ----

int RamCalls::Open(const char* path, int flags, mode_t mode) {
  return IsHere(path) ? OpenHere(path, flags) : __real_open(path, flags, mode);
}

int RamCalls::OpenAt(int directory, const char* name, int flags, mode_t mode) {
  if (IsHere(name)) return OpenHere(name, flags);
  const OpenNode* at = Find(directory);
  return at == nullptr ? __real_openat(directory, name, flags, mode)
                       : OpenHere(PathIn(*at, name), flags);
}

int RamCalls::Close(int fd) {
  if (OpenNode* at = Find(fd)) *at = {};
  return __real_close(fd);
}

int RamCalls::Stat(const char* path, struct stat* info, bool follow) {
  if (IsHere(path)) return DescribePath(path, info);
  return follow ? __real_stat(path, info) : __real_lstat(path, info);
}

int RamCalls::StatAt(int directory, const char* name, struct stat* info, int flags) {
  if (IsHere(name)) return DescribePath(name, info);
  const OpenNode* at = Find(directory);
  return at == nullptr ? __real_fstatat(directory, name, info, flags)
                       : DescribePath(PathIn(*at, name), info);
}

int RamCalls::Fstat(int fd, struct stat* info) {
  const OpenNode* at = Find(fd);
  return at == nullptr ? __real_fstat(fd, info) : Describe(*at->node, info);
}

DIR* RamCalls::OpenDirectory(const char* path) {
  if (!IsHere(path)) return __real_opendir(path);
  if (!nodes.contains(path)) {
    errno = ENOENT;
    return nullptr;
  }
  auto listing = std::make_unique<Listing>();
  const std::string front = std::string(path) + "/";
  for (auto node = nodes.lower_bound(front);
       node != nodes.end() && node->first.starts_with(front); ++node) {
    const std::string name = node->first.substr(front.size());
    if (name.find('/') == std::string::npos) listing->names.push_back(name);
  }
  DIR* const handle = reinterpret_cast<DIR*>(listing.release());
  listings.insert(handle);
  return handle;
}

dirent* RamCalls::ReadDirectory(DIR* handle) {
  if (disks.load() == 0 || !listings.contains(handle)) return __real_readdir(handle);
  Listing& listing = *reinterpret_cast<Listing*>(handle);
  if (listing.next == listing.names.size()) return nullptr;
  const std::string& name = listing.names[listing.next++];
  const size_t length = std::min(name.size(), sizeof(listing.entry.d_name) - 1);
  std::memcpy(listing.entry.d_name, name.data(), length);
  listing.entry.d_name[length] = '\0';
  return &listing.entry;
}

int RamCalls::CloseDirectory(DIR* handle) {
  if (disks.load() == 0 || listings.erase(handle) == 0) return __real_closedir(handle);
  delete reinterpret_cast<Listing*>(handle);
  return 0;
}

ssize_t RamCalls::Read(int fd, void* to, size_t size, off_t offset) {
  const OpenNode* at = Find(fd);
  if (at == nullptr) return __real_pread(fd, to, size, offset);
  const std::string& bytes = at->node->bytes;
  const auto begin = static_cast<size_t>(offset);
  if (begin >= bytes.size()) return 0;
  const size_t part = std::min(size, bytes.size() - begin);
  std::memcpy(to, bytes.data() + begin, part);
  return static_cast<ssize_t>(part);
}

ssize_t RamCalls::Write(int fd, const void* bytes, size_t size, off_t offset) {
  const OpenNode* at = Find(fd);
  if (at == nullptr) return __real_pwrite(fd, bytes, size, offset);
  const size_t end = static_cast<size_t>(offset) + size;
  if (end > at->node->bytes.size()) at->node->bytes.resize(end);
  std::memcpy(at->node->bytes.data() + offset, bytes, size);
  return static_cast<ssize_t>(size);
}

int RamCalls::Truncate(int fd, off_t size) {
  const OpenNode* at = Find(fd);
  if (at == nullptr) return __real_ftruncate(fd, size);
  at->node->bytes.resize(static_cast<size_t>(size));
  return 0;
}

int RamCalls::Allocate(int fd, int mode, off_t offset, off_t size) {
  const OpenNode* at = Find(fd);
  if (at == nullptr) return __real_fallocate(fd, mode, offset, size);
  const auto end = static_cast<size_t>(offset + size);
  if (end > at->node->bytes.size()) at->node->bytes.resize(end);
  return 0;
}

int RamCalls::SyncData(int fd) { return Find(fd) == nullptr ? __real_fdatasync(fd) : 0; }

int RamCalls::SyncFile(int fd) { return Find(fd) == nullptr ? __real_fsync(fd) : 0; }

int RamCalls::Rename(int from_directory, const char* from, int to_directory, const char* to) {
  const OpenNode* at = Find(from_directory);
  const OpenNode* target = Find(to_directory);
  if (at == nullptr || target == nullptr) {
    return __real_renameat(from_directory, from, to_directory, to);
  }
  const auto found = nodes.find(PathIn(*at, from));
  if (found == nodes.end()) return Fail(ENOENT);
  const std::shared_ptr<Node> node = found->second;
  nodes.erase(found);
  nodes[PathIn(*target, to)] = node;
  return 0;
}

int RamCalls::Remove(int directory, const char* name, int flags) {
  const OpenNode* at = Find(directory);
  if (at == nullptr) return __real_unlinkat(directory, name, flags);
  return nodes.erase(PathIn(*at, name)) == 1 ? 0 : Fail(ENOENT);
}

int RamCalls::MakeDirectory(const char* path, mode_t mode) {
  if (!IsHere(path)) return __real_mkdir(path, mode);
  if (nodes.contains(path)) return Fail(EEXIST);
  const std::string name = path;
  if (!nodes.contains(name.substr(0, name.rfind('/')))) return Fail(ENOENT);
  Make(name, true);
  return 0;
}

}  // namespace roost
