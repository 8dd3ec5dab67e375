#include "common.hpp"

#include <filesystem>
#include <fstream>

namespace misuse {

using allot::MappedArena;
using allot::operator""_GiB;

namespace {

// A file of the running process's own, made and removed.
class File {
public:
  File() { std::ofstream(path_) << "something"; }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { std::filesystem::remove(path_); }
  [[nodiscard]] std::string path() const { return path_; }

private:
  std::string path_ = "allot_misuse_backing_file";
};

} // namespace

const Cases mapped_arena_cases =
    of_buffer<MappedArena>("mapped_arena") + of_bytes<MappedArena>("mapped_arena") +
    of_checkpoints<MappedArena>("mapped_arena") +
    Cases{
        {"mapped_arena.commit_too_much", "committing more than is reserved",
         "Exhausted(no_room) mapped_arena: 8193 bytes to commit asked, 8192 of 8192 left",
         [] { MappedArena(8192).commit(8193); }},
        {"mapped_arena.commit_wrapping", "committing a size that would wrap",
         "Exhausted(no_room) mapped_arena: 18446744073709551615 bytes to commit asked, 8192 of "
         "8192 left",
         [] { MappedArena(8192).commit(SIZE_MAX); }},
        {"mapped_arena.commit_after_release", "committing after release",
         "Misuse(released) mapped_arena: used after release",
         [] {
           MappedArena arena(8192);
           arena.release();
           arena.commit(1);
         }},
        {"mapped_arena.trim_after_release", "trimming after release",
         "Misuse(released) mapped_arena: used after release",
         [] {
           MappedArena arena(8192);
           arena.release();
           arena.trim();
         }},
        {"mapped_arena.file_exists", "a backing file that exists",
         "Misuse(bad_file) mapped_arena: the backing file allot_misuse_backing_file exists already",
         [] {
           const File file;
           MappedArena(8192, {.file = file.path()});
         }},
        {"mapped_arena.write_past_commitment", "writing to what is only reserved", "fault",
         [] {
           MappedArena arena(1_GiB, {.commit = allot::Commit::strict});
           touch(fill(arena.allocate(64), 64) + (std::size_t{1} << 29));
         }},
        {"mapped_arena.write_after_trim", "writing to what was given back to the system", "fault",
         [] {
           MappedArena arena(1_GiB, {.commit = allot::Commit::strict});
           fill(arena.allocate(64), 64);
           arena.checkpoint();
           char* const p = fill(arena.allocate(1 << 20), 1 << 20);
           arena.restore();
           arena.trim();
           touch(p + (1 << 20) - 1);
         }},
        {"mapped_arena.write_past_the_end", "writing behind a full arena with guard pages", "fault",
         [] {
           MappedArena arena(8192, {.guard_pages = true});
           char* const begin = fill(arena.allocate(8), 8);
           fill(arena.allocate(8184), 8184);
           touch(begin + (allot::instrumented ? 2 : 1) * 8192);
         }},
        {"mapped_arena.write_after_release", "writing to what was unmapped", "fault",
         [] {
           MappedArena arena(8192);
           char* const p = fill(arena.allocate(64), 64);
           arena.release();
           touch(p);
         }},
    };

} // namespace misuse
