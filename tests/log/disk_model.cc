#include "tests/log/disk_model.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>

#include "base/check.h"
#include "base/unique_fd.h"

namespace roost {
namespace {

using Kind = DiskCall::Kind;

std::string Parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

uint64_t Mix(uint64_t hash, uint64_t value) {
  hash ^= value + 0x9E3779B97F4A7C15ull + (hash << 6) + (hash >> 2);
  hash *= 0xBF58476D1CE4E5B9ull;
  return hash ^ hash >> 31;
}

constexpr uint64_t kSizeMark = UINT64_MAX;

}  // namespace

void DiskModel::Write(File* file, uint64_t offset, const char* bytes, uint64_t size) {
  for (uint64_t at = offset; at < offset + size;) {
    const uint64_t number = at / kSectorBytes;
    const uint64_t within = at % kSectorBytes;
    const uint64_t part = std::min<uint64_t>(kSectorBytes - within, offset + size - at);
    Uncertain<Sector>& sector = file->sectors[number];
    std::array<char, kSectorBytes> content{};
    if (sector.may_be.back() != nullptr) content = *sector.may_be.back();
    std::memcpy(content.data() + within, bytes + (at - offset), part);
    sector.Set(std::make_shared<std::array<char, kSectorBytes>>(content));
    at += part;
  }
}

void DiskModel::Resize(File* file, uint64_t size) {
  const uint64_t before = file->size.may_be.back();
  if (size == before) return;
  file->size.Set(size);
  if (size > before) return;
  const uint64_t whole = (size + kSectorBytes - 1) / kSectorBytes;
  if (size % kSectorBytes != 0) {
    const std::string zeros(kSectorBytes - size % kSectorBytes, '\0');
    Write(file, size, zeros.data(), zeros.size());
  }
  for (auto& [number, sector] : file->sectors) {
    if (number >= whole && sector.may_be.back() != nullptr) sector.Set(nullptr);
  }
}

// By the calls that tests may have put themselves behind.
void DiskModel::Assume(const std::string& directory) { AssumeAll(directory); }

void DiskModel::AssumeAll(const std::string& directory) {
  DIR* const listing = ::opendir(directory.c_str());
  ROOST_CHECK(listing != nullptr, "{}: errno={}", directory, errno);
  std::vector<std::string> paths;
  while (const dirent* entry = ::readdir(listing)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") paths.push_back(directory + "/" + entry->d_name);
  }
  ::closedir(listing);
  for (const std::string& path : paths) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) continue;
    File& file = files_[info.st_ino];
    file.is_directory = S_ISDIR(info.st_mode);
    names_[path] = info.st_ino;
    current_[path] = info.st_ino;
    if (file.is_directory) {
      AssumeAll(path);
      continue;
    }
    std::string content(static_cast<size_t>(info.st_size), '\0');
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    ROOST_CHECK(::pread(fd.get(), content.data(), content.size(), 0) == info.st_size, "{}", path);
    Write(&file, 0, content.data(), content.size());
    file.size.Set(content.size());
    for (auto& [number, sector] : file.sectors) sector.Flush();
    file.size.Flush();
  }
}

void DiskModel::Apply(const DiskCall& call, int64_t result) {
  switch (call.kind) {
    case Kind::kOpen: {
      if (!call.Changes()) return;
      // The descriptor tells the inode only now.
      if (!current_.contains(call.path)) {
        current_[call.path] = call.inode;
        name_changes_.push_back({Parent(call.path), "", call.path, call.inode});
      }
      if ((call.flags & O_TRUNC) != 0) Resize(&files_[call.inode], 0);
      return;
    }
    case Kind::kWrite: {
      File& file = files_[call.inode];
      Write(&file, call.offset, reinterpret_cast<const char*>(call.bytes),
            static_cast<uint64_t>(result));
      const uint64_t end = call.offset + static_cast<uint64_t>(result);
      if (end > file.size.may_be.back()) file.size.Set(end);
      return;
    }
    case Kind::kTruncate:
      Resize(&files_[call.inode], call.size);
      return;
    case Kind::kAllocate:
      if (call.size > files_[call.inode].size.may_be.back()) Resize(&files_[call.inode], call.size);
      return;
    case Kind::kSyncData:
    case Kind::kSyncFile: {
      File& file = files_[call.inode];
      for (auto& [number, sector] : file.sectors) sector.Flush();
      file.size.Flush();
      for (auto change = name_changes_.begin(); change != name_changes_.end();) {
        if (change->directory != call.path) {
          ++change;
          continue;
        }
        if (!change->from.empty()) names_.erase(change->from);
        if (!change->to.empty()) names_[change->to] = change->inode;
        change = name_changes_.erase(change);
      }
      return;
    }
    case Kind::kRename: {
      const uint64_t inode = current_[call.path];
      current_.erase(call.path);
      current_[call.to] = inode;
      name_changes_.push_back({Parent(call.path), call.path, call.to, inode});
      return;
    }
    case Kind::kRemove:
      if (current_.erase(call.path) == 0) return;
      name_changes_.push_back({Parent(call.path), call.path, "", 0});
      return;
    case Kind::kMakeDirectory: {
      const uint64_t mark = UINT64_MAX - files_.size();  // known by its path, never by a descriptor
      files_[mark].is_directory = true;
      current_[call.path] = mark;
      name_changes_.push_back({Parent(call.path), "", call.path, mark});
      return;
    }
    case Kind::kStat:
    case Kind::kList:
    case Kind::kRead:
      return;
  }
}

void DiskModel::ApplyFailure(const DiskCall& call) {
  if (!call.IsSync()) return;
  File& file = files_[call.inode];
  for (auto& [number, sector] : file.sectors) sector.is_dirty = false;
}

void DiskModel::FindChoices() {
  choices_.clear();
  pages_.clear();
  choice_hashes_.clear();
  certain_hash_ = 0;
  const auto add = [&](Choice choice, bool begins_page, std::vector<uint64_t> hashes) {
    if (begins_page) pages_.emplace_back();
    pages_.back().push_back(choices_.size());
    choices_.push_back(choice);
    choice_hashes_.push_back(std::move(hashes));
  };
  for (const auto& [inode, file] : files_) {
    // Hashes are summed up, so each says where it belongs.
    const auto hash_of_sector = [&, inode = inode](uint64_t number, const Sector& sector) {
      if (sector == nullptr) return uint64_t{0};
      const std::string_view bytes(sector->data(), sector->size());
      return Mix(Mix(inode, number), std::hash<std::string_view>()(bytes));
    };
    const auto hash_of_size = [inode = inode](uint64_t size) {
      return Mix(Mix(inode, kSizeMark), size);
    };
    uint64_t page = UINT64_MAX;
    for (const auto& [number, sector] : file.sectors) {
      if (!sector.IsOpen()) {
        certain_hash_ += hash_of_sector(number, sector.may_be.front());
        continue;
      }
      std::vector<uint64_t> hashes;
      for (const Sector& one : sector.may_be) hashes.push_back(hash_of_sector(number, one));
      const uint64_t its_page = number * kSectorBytes / kPageBytes;
      add({Choice::Kind::kSector, inode, number}, its_page != page, std::move(hashes));
      page = its_page;
    }
    if (!file.size.IsOpen()) {
      certain_hash_ += hash_of_size(file.size.may_be.front());
      continue;
    }
    std::vector<uint64_t> hashes;
    for (const uint64_t size : file.size.may_be) hashes.push_back(hash_of_size(size));
    add({Choice::Kind::kSize, inode, 0}, true, std::move(hashes));
  }
  for (size_t i = 0; i < name_changes_.size(); ++i) add({Choice::Kind::kName, 0, i}, true, {0, 0});
}

size_t DiskModel::CountOf(const Choice& choice) const {
  return choice_hashes_[static_cast<size_t>(&choice - choices_.data())].size();
}

std::map<std::string, uint64_t> DiskModel::NamesIn(const State& state) const {
  std::map<std::string, uint64_t> names = names_;
  for (size_t i = choices_.size() - name_changes_.size(); i < choices_.size(); ++i) {
    if (state[i] == 0) continue;
    const NameChange& change = name_changes_[choices_[i].number];
    if (!change.from.empty()) names.erase(change.from);
    if (!change.to.empty()) names[change.to] = change.inode;
  }
  return names;
}

uint64_t DiskModel::HashOf(const State& state) const {
  uint64_t hash = certain_hash_;
  for (size_t i = 0; i < state.size(); ++i) hash += choice_hashes_[i][state[i]];
  for (const auto& [name, inode] : NamesIn(state)) {
    hash = Mix(Mix(hash, std::hash<std::string>()(name)), inode);
  }
  return hash;
}

DiskModel::Contents DiskModel::Build(const State& state) const {
  std::map<std::pair<uint64_t, uint64_t>, size_t> sectors;
  std::map<uint64_t, size_t> sizes;
  for (size_t i = 0; i < choices_.size(); ++i) {
    const Choice& choice = choices_[i];
    if (choice.kind == Choice::Kind::kSector) sectors[{choice.inode, choice.number}] = state[i];
    if (choice.kind == Choice::Kind::kSize) sizes[choice.inode] = state[i];
  }
  const std::map<std::string, uint64_t> names = NamesIn(state);
  Contents contents;
  for (const auto& [name, inode] : names) {
    const auto found = files_.find(inode);
    if (found == files_.end()) {
      contents[name];  // made, and nothing ever written
      continue;
    }
    const File& file = found->second;
    if (file.is_directory) continue;
    const auto parent = current_.find(Parent(name));
    // The directory itself may be lost; the scratch directory above was there before.
    if (parent != current_.end() && !names.contains(Parent(name))) continue;
    const auto size = sizes.find(inode);
    const uint64_t bytes =
        size == sizes.end() ? file.size.may_be.front() : file.size.may_be[size->second];
    std::string content(bytes, '\0');
    for (const auto& [number, sector] : file.sectors) {
      const uint64_t offset = number * kSectorBytes;
      if (offset >= bytes) break;
      const auto chosen = sectors.find({inode, number});
      const Sector& picked =
          chosen == sectors.end() ? sector.may_be.front() : sector.may_be[chosen->second];
      if (picked == nullptr) continue;
      std::memcpy(content.data() + offset, picked->data(),
                  std::min<uint64_t>(kSectorBytes, bytes - offset));
    }
    contents[name] = std::move(content);
  }
  return contents;
}

DiskModel::State DiskModel::Choose(const std::vector<bool>& newest) const {
  State state(choices_.size());
  for (size_t i = 0; i < state.size(); ++i) state[i] = newest[i] ? CountOf(choices_[i]) - 1 : 0;
  return state;
}

DiskModel::State DiskModel::ChooseAny(std::mt19937_64* random) const {
  State state(choices_.size());
  for (size_t i = 0; i < state.size(); ++i) state[i] = (*random)() % CountOf(choices_[i]);
  return state;
}

}  // namespace roost
