// What a disk may hold after a power cut, by what was written and flushed so far.
//
// Each sector of 512 bytes, each size of a file and each name in a directory reaches the disk when it
// likes, independently of all others, until a flush makes it certain: fdatasync or fsync of the file for
// its bytes and its size, fsync of the directory for names. That is less than any file system promises.
// A flush that failed makes nothing certain, and what it was to write is never flushed any more, as with
// Linux, unless it is written again. (But names and sizes are flushed by the next one: a file system that
// fails to write its own records takes no more writes.)
//
// One thread. Files are as few and small as tests need.
#ifndef ROOST_TESTS_LOG_DISK_MODEL_H_
#define ROOST_TESTS_LOG_DISK_MODEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/log/disk_calls.h"

namespace roost {

class DiskModel {
 public:
  static constexpr size_t kSectorBytes = 512;
  static constexpr size_t kPageBytes = 4096;

  // All files below `directory` are on the disk as they are now.
  void Assume(const std::string& directory);

  // A call that was done, as DiskWatcher::After has it; a failed sync.
  void Apply(const DiskCall& call, int64_t result);
  void ApplyFailure(const DiskCall& call);

  // Something of which it is uncertain whether the disk has it, or an older state: a sector, a file's size,
  // a change of names.
  size_t OpenChoices() const { return choices_.size(); }
  // The pages that the choices' sectors are in; sizes and names count as one each.
  size_t OpenPages() const { return pages_.size(); }
  // Which choices belong to page `number`, in the order of their sectors.
  const std::vector<size_t>& ChoicesOfPage(size_t number) const { return pages_[number]; }
  // Call after Apply, before the functions above and below.
  void FindChoices();

  // Files by path.
  using Contents = std::map<std::string, std::string>;
  // Which of what it may have the disk has of each choice, 0 for the oldest.
  using State = std::vector<size_t>;
  // For each choice the newest, or the oldest.
  State Choose(const std::vector<bool>& newest) const;
  // Any.
  State ChooseAny(std::mt19937_64* random) const;
  Contents Build(const State& state) const;
  // Equal states of one life of this model, also at different times, have equal hashes; different ones as good as
  // never. Much cheaper than Build.
  uint64_t HashOf(const State& state) const;

 private:
  using Sector = std::shared_ptr<const std::array<char, kSectorBytes>>;  // nullptr: zeros
  template <typename T>
  struct Uncertain {
    std::vector<T> may_be = {T{}};  // oldest first
    bool is_dirty = false;          // the next flush makes the last one certain
    void Set(T value) {
      may_be.push_back(std::move(value));
      is_dirty = true;
    }
    void Flush() {
      if (is_dirty) may_be = {may_be.back()};
      is_dirty = false;
    }
    bool IsOpen() const { return may_be.size() > 1; }
  };
  struct File {
    std::map<uint64_t, Uncertain<Sector>> sectors;  // by number
    Uncertain<uint64_t> size;
    bool is_directory = false;
  };
  struct NameChange {
    std::string directory;  // whose flush makes it certain
    std::string from;       // loses its name; "": nothing
    std::string to;         // "": nothing
    uint64_t inode = 0;
  };
  struct Choice {
    enum class Kind { kSector, kSize, kName };
    Kind kind;
    uint64_t inode = 0;
    uint64_t number = 0;  // of the sector; of the change in name_changes_
  };

  void Write(File* file, uint64_t offset, const char* bytes, uint64_t size);
  void Resize(File* file, uint64_t size);
  size_t CountOf(const Choice& choice) const;
  std::map<std::string, uint64_t> NamesIn(const State& state) const;
  void AssumeAll(const std::string& directory);

  std::map<uint64_t, File> files_;           // by inode
  std::map<std::string, uint64_t> names_;    // certain
  std::vector<NameChange> name_changes_;     // since, in order
  std::map<std::string, uint64_t> current_;  // names as the running system sees them
  std::vector<Choice> choices_;
  std::vector<std::vector<size_t>> pages_;
  // Hashes of each choice's possibilities, and of all that is certain.
  std::vector<std::vector<uint64_t>> choice_hashes_;
  uint64_t certain_hash_ = 0;
};

}  // namespace roost

#endif  // ROOST_TESTS_LOG_DISK_MODEL_H_
