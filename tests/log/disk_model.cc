#include "tests/log/disk_model.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "tests/log/log_fixture.h"

namespace roost {
namespace {

using Kind = DiskCall::Kind;

std::string Parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

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

void DiskModel::Assume(const std::string& directory) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    const std::string path = entry.path();
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) continue;
    File& file = files_[info.st_ino];
    file.is_directory = entry.is_directory();
    names_[path] = info.st_ino;
    current_[path] = info.st_ino;
    if (file.is_directory) continue;
    const std::string content = ReadFile(path);
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
  const auto add = [&](Choice choice, bool begins_page) {
    if (begins_page) pages_.emplace_back();
    pages_.back().push_back(choices_.size());
    choices_.push_back(choice);
  };
  for (const auto& [inode, file] : files_) {
    uint64_t page = UINT64_MAX;
    for (const auto& [number, sector] : file.sectors) {
      if (!sector.IsOpen()) continue;
      const uint64_t its_page = number * kSectorBytes / kPageBytes;
      add({Choice::Kind::kSector, inode, number}, its_page != page);
      page = its_page;
    }
    if (file.size.IsOpen()) add({Choice::Kind::kSize, inode, 0}, true);
  }
  for (size_t i = 0; i < name_changes_.size(); ++i) add({Choice::Kind::kName, 0, i}, true);
}

// `pick(choice, count)` says which of what there may be, 0 for the oldest.
template <typename Pick>
DiskModel::Contents DiskModel::Build(const Pick& pick) const {
  std::map<std::pair<uint64_t, uint64_t>, size_t> sectors;
  std::map<uint64_t, size_t> sizes;
  std::map<std::string, uint64_t> names = names_;
  for (size_t i = 0; i < choices_.size(); ++i) {
    const Choice& choice = choices_[i];
    if (choice.kind == Choice::Kind::kSector) {
      const auto& sector = files_.at(choice.inode).sectors.at(choice.number);
      sectors[{choice.inode, choice.number}] = pick(i, sector.may_be.size());
    } else if (choice.kind == Choice::Kind::kSize) {
      sizes[choice.inode] = pick(i, files_.at(choice.inode).size.may_be.size());
    } else if (pick(i, 2) == 1) {
      const NameChange& change = name_changes_[choice.number];
      if (!change.from.empty()) names.erase(change.from);
      if (!change.to.empty()) names[change.to] = change.inode;
    }
  }
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

DiskModel::Contents DiskModel::Choose(const std::vector<bool>& newest) const {
  return Build([&](size_t choice, size_t count) { return newest[choice] ? count - 1 : 0; });
}

DiskModel::Contents DiskModel::ChooseAny(std::mt19937_64* random) const {
  return Build([&](size_t, size_t count) { return (*random)() % count; });
}

}  // namespace roost
