// The ways to change what is behind a descriptor, as data.
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/unique_fd.h"
#include "tests/system/attacker.h"

namespace roost {
namespace {

constexpr size_t kPage = 4096;

void* Map(int fd, int protection, int flags) {
  void* at = ::mmap(nullptr, kPage, protection, flags, fd, 0);
  return at == MAP_FAILED ? nullptr : at;
}

// Maps for writing and, where that is given, writes.
void WriteMapped(int fd, int protection, int flags) {
  void* at = Map(fd, protection, flags);
  if (at == nullptr) return;
  std::memcpy(at, kMark.data(), kMark.size());
  ::munmap(at, kPage);
}

// Gives `attempt` a shared page mapped for reading.
template <typename Attempt>
void WithReadOnlyPage(int fd, Attempt&& attempt) {
  void* at = Map(fd, PROT_READ, MAP_SHARED);
  if (at == nullptr) return;
  attempt(at);
  ::munmap(at, kPage);
}

template <typename Attempt>
void WithPipe(Attempt&& attempt) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return;
  const UniqueFd reading(ends[0]), writing(ends[1]);
  if (::write(writing.get(), kMark.data(), kMark.size()) > 0) attempt(reading.get());
}

std::string PathOf(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

UniqueFd OtherFile() { return UniqueFd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)); }

// Opens a path for writing and, where that is given, writes.
void WriteThrough(const std::string& path) {
  const UniqueFd again(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (again.valid()) (void)!::pwrite(again.get(), kMark.data(), kMark.size(), 0);
}

void AioWrite(int fd) {
  aio_context_t context = 0;
  if (::syscall(SYS_io_setup, 1, &context) != 0) return;
  iocb block{};
  block.aio_lio_opcode = IOCB_CMD_PWRITE;
  block.aio_fildes = static_cast<uint32_t>(fd);
  block.aio_buf = reinterpret_cast<uint64_t>(kMark.data());
  block.aio_nbytes = kMark.size();
  iocb* blocks[] = {&block};
  io_event done{};
  if (::syscall(SYS_io_submit, context, 1, blocks) == 1) {
    ::syscall(SYS_io_getevents, context, 1, 1, &done, nullptr);
  }
  ::syscall(SYS_io_destroy, context);
}

void IoUringWrite(int fd) {
  io_uring_params parameters{};
  const UniqueFd ring(static_cast<int>(::syscall(SYS_io_uring_setup, 1, &parameters)));
  if (!ring.valid()) return;
  const size_t bytes = parameters.sq_off.array + sizeof(uint32_t);
  void* queue = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring.get(),
                       static_cast<off_t>(IORING_OFF_SQ_RING));
  void* entries = ::mmap(nullptr, sizeof(io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED,
                         ring.get(), static_cast<off_t>(IORING_OFF_SQES));
  if (queue == MAP_FAILED || entries == MAP_FAILED) return;
  auto* entry = static_cast<io_uring_sqe*>(entries);
  entry->opcode = IORING_OP_WRITE;
  entry->fd = fd;
  entry->addr = reinterpret_cast<uint64_t>(kMark.data());
  entry->len = kMark.size();
  auto* base = static_cast<char*>(queue);
  *reinterpret_cast<uint32_t*>(base + parameters.sq_off.array) = 0;
  __atomic_store_n(reinterpret_cast<uint32_t*>(base + parameters.sq_off.tail), 1, __ATOMIC_RELEASE);
  ::syscall(SYS_io_uring_enter, ring.get(), 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0);
  ::munmap(queue, bytes);
  ::munmap(entries, sizeof(io_uring_sqe));
}

void FaultIn(int fd) {
  const UniqueFd faults(
      static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY)));
  uffdio_api api{};
  api.api = UFFD_API;
  if (!faults.valid() || ::ioctl(faults.get(), UFFDIO_API, &api) != 0) return;
  WithReadOnlyPage(fd, [&](void* at) {
    uffdio_register range{};
    range.range = {reinterpret_cast<uint64_t>(at), kPage};
    range.mode = UFFDIO_REGISTER_MODE_MISSING;
    if (::ioctl(faults.get(), UFFDIO_REGISTER, &range) != 0) return;
    alignas(kPage) static char page[kPage];
    uffdio_copy copy{};
    copy.dst = reinterpret_cast<uint64_t>(at);
    copy.src = reinterpret_cast<uint64_t>(page);
    copy.len = kPage;
    ::ioctl(faults.get(), UFFDIO_COPY, &copy);
  });
}

// The directory whose names lead to the pages that are mapped.
void WriteMapFiles(int fd) {
  WithReadOnlyPage(fd, [](void* at) {
    char name[80];
    const auto address = reinterpret_cast<uint64_t>(at);
    std::snprintf(name, sizeof(name), "/proc/self/map_files/%lx-%lx", address, address + kPage);
    WriteThrough(name);
  });
}

void GiveItAName(int fd) {
  const std::string name = std::filesystem::temp_directory_path() / "roost-attacker-name";
  ::unlink(name.c_str());
  if (::linkat(AT_FDCWD, PathOf(fd).c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0 ||
      ::linkat(fd, "", AT_FDCWD, name.c_str(), AT_EMPTY_PATH) == 0) {
    WriteThrough(name);
  }
  ::unlink(name.c_str());
}

void Clone(int fd) {
  const UniqueFd other = OtherFile();
  ::ioctl(fd, FICLONE, other.get());
  file_clone_range range{other.get(), 0, kPage, 0};
  ::ioctl(fd, FICLONERANGE, &range);
}

constexpr WayToWrite kWays[] = {
    // Calls that write.
    {"write", [](int fd) { (void)!::write(fd, kMark.data(), kMark.size()); }},
    {"pwrite", [](int fd) { (void)!::pwrite(fd, kMark.data(), kMark.size(), 0); }},
    {"pwritev",
     [](int fd) {
       iovec piece{const_cast<char*>(kMark.data()), kMark.size()};
       (void)!::pwritev(fd, &piece, 1, kPage);
     }},
    {"pwritev2 at the end",
     [](int fd) {
       iovec piece{const_cast<char*>(kMark.data()), kMark.size()};
       (void)!::pwritev2(fd, &piece, 1, 0, RWF_APPEND);
     }},
    {"aio", AioWrite},
    {"io_uring", IoUringWrite},
    {"sendfile", [](int fd) { (void)!::sendfile(fd, OtherFile().get(), nullptr, kPage); }},
    {"copy_file_range",
     [](int fd) { (void)!::copy_file_range(OtherFile().get(), nullptr, fd, nullptr, kPage, 0); }},
    {"splice",
     [](int fd) {
       WithPipe([fd](int pipe) {
         (void)!::splice(pipe, nullptr, fd, nullptr, kMark.size(), SPLICE_F_NONBLOCK);
       });
     }},
    {"FICLONE", Clone},
    {"FS_IOC_SETFLAGS and a write",
     [](int fd) {
       int flags = 0;
       ::ioctl(fd, FS_IOC_SETFLAGS, &flags);
       (void)!::pwrite(fd, kMark.data(), kMark.size(), 0);
     }},
    // Its size and its blocks.
    {"ftruncate to nothing", [](int fd) { (void)!::ftruncate(fd, 0); }},
    {"ftruncate to less", [](int fd) { (void)!::ftruncate(fd, kPage); }},
    {"ftruncate to more", [](int fd) { (void)!::ftruncate(fd, 32 << 20); }},
    {"fallocate more", [](int fd) { (void)!::fallocate(fd, 0, 0, 32 << 20); }},
    {"fallocate a hole",
     [](int fd) { (void)!::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kPage); }},
    {"fallocate zeros", [](int fd) { (void)!::fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, kPage); }},
    {"fallocate collapse",
     [](int fd) { (void)!::fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, kPage); }},
    {"fallocate insert", [](int fd) { (void)!::fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, kPage); }},
    // Mappings.
    {"mmap for writing", [](int fd) { WriteMapped(fd, PROT_WRITE, MAP_SHARED); }},
    {"mmap for reading and writing",
     [](int fd) { WriteMapped(fd, PROT_READ | PROT_WRITE, MAP_SHARED); }},
    {"mmap, validated",
     [](int fd) { WriteMapped(fd, PROT_READ | PROT_WRITE, MAP_SHARED_VALIDATE); }},
    {"mmap for running and writing",
     [](int fd) { WriteMapped(fd, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED); }},
    {"mmap of a copy", [](int fd) { WriteMapped(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE); }},
    {"mprotect",
     [](int fd) {
       WithReadOnlyPage(fd, [](void* at) {
         if (::mprotect(at, kPage, PROT_READ | PROT_WRITE) != 0) return;
         std::memcpy(at, kMark.data(), kMark.size());
       });
     }},
    {"mremap and mprotect",
     [](int fd) {
       void* at = Map(fd, PROT_READ, MAP_SHARED);
       if (at == nullptr) return;
       void* moved = ::mremap(at, 0, kPage, MREMAP_MAYMOVE);  // a second mapping of the same page
       if (moved != MAP_FAILED) {
         if (::mprotect(moved, kPage, PROT_READ | PROT_WRITE) == 0) {
           std::memcpy(moved, kMark.data(), kMark.size());
         }
         ::munmap(moved, kPage);
       }
       ::munmap(at, kPage);
     }},
    {"remap_file_pages",
     [](int fd) {
       WithReadOnlyPage(fd, [](void* at) {
         if (::syscall(SYS_remap_file_pages, at, kPage, 0, 1, 0) != 0) return;
         if (::mprotect(at, kPage, PROT_READ | PROT_WRITE) == 0) std::memset(at, 1, kPage);
       });
     }},
    {"MADV_REMOVE",
     [](int fd) { WithReadOnlyPage(fd, [](void* at) { ::madvise(at, kPage, MADV_REMOVE); }); }},
    {"MADV_DONTNEED",
     [](int fd) { WithReadOnlyPage(fd, [](void* at) { ::madvise(at, kPage, MADV_DONTNEED); }); }},
    {"MADV_PAGEOUT",
     [](int fd) { WithReadOnlyPage(fd, [](void* at) { ::madvise(at, kPage, MADV_PAGEOUT); }); }},
    {"MADV_POPULATE_WRITE",
     [](int fd) {
       WithReadOnlyPage(fd, [](void* at) { ::madvise(at, kPage, MADV_POPULATE_WRITE); });
     }},
    {"read() into a read-only mapping",
     [](int fd) {
       WithReadOnlyPage(fd, [](void* at) {
         WithPipe([at](int pipe) { (void)!::read(pipe, at, kMark.size()); });
       });
     }},
    {"process_vm_writev into a read-only mapping",
     [](int fd) {
       WithReadOnlyPage(fd, [](void* at) {
         iovec local{const_cast<char*>(kMark.data()), kMark.size()}, remote{at, kMark.size()};
         (void)!::process_vm_writev(::getpid(), &local, 1, &remote, 1, 0);
       });
     }},
    {"/proc/self/mem",
     [](int fd) {
       // Forced writes to a shared read-only mapping would reach the file.
       WithReadOnlyPage(fd, [](void* at) {
         const UniqueFd memory(::open("/proc/self/mem", O_RDWR | O_CLOEXEC));
         (void)!::pwrite(memory.get(), kMark.data(), kMark.size(), reinterpret_cast<off_t>(at));
       });
     }},
    {"userfaultfd", FaultIn},
    // The descriptor: its flags, leases and locks, which the broker must not mind either.
    {"F_SETFL and a write",
     [](int fd) {
       ::fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_DIRECT | O_RDWR);
       (void)!::write(fd, kMark.data(), kMark.size());
       ::fcntl(fd, F_SETFL, 0);  // with O_DIRECT it could not be compared
     }},
    {"another seal", [](int fd) { ::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE); }},
    {"F_SETLEASE",
     [](int fd) {
       ::signal(SIGIO, SIG_IGN);
       ::fcntl(fd, F_SETLEASE, F_WRLCK);
       ::fcntl(fd, F_SETLEASE, F_UNLCK);
     }},
    {"flock and a write",
     [](int fd) {
       ::flock(fd, LOCK_EX | LOCK_NB);
       (void)!::pwrite(fd, kMark.data(), kMark.size(), 0);
     }},
    // The file, as whoever owns it or may name it.
    {"truncate by /proc", [](int fd) { (void)!::truncate(PathOf(fd).c_str(), 0); }, true},
    {"opened anew by /proc", [](int fd) { WriteThrough(PathOf(fd)); }, true},
    {"opened anew by map_files", WriteMapFiles, true},
    {"opened anew as what a name leads to",
     [](int fd) {
       const UniqueFd path(::open(PathOf(fd).c_str(), O_PATH | O_CLOEXEC));
       WriteThrough(PathOf(path.get()));
     },
     true},
    {"fchmod and opened anew",
     [](int fd) {
       (void)!::fchmod(fd, 0777);
       WriteThrough(PathOf(fd));
     },
     true},
    {"fchown and opened anew",
     [](int fd) {
       (void)!::fchown(fd, ::geteuid(), ::getegid());
       WriteThrough(PathOf(fd));
     },
     true},
    {"linkat and opened anew", GiveItAName, true},
    {"setxattr", [](int fd) { ::fsetxattr(fd, "user.roost", kMark.data(), kMark.size(), 0); },
     true},
};
static_assert(std::size(kWays) >= 25);

}  // namespace

std::span<const WayToWrite> WaysToWrite() { return kWays; }

}  // namespace roost
