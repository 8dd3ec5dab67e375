#include "misuse.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

#include <sys/wait.h>
#include <unistd.h>

#if defined(ALLOT_ASAN)
// To find the names of functions takes longer than all the rest.
extern "C" const char* __asan_default_options() {
  return "symbolize=0";
}
#endif

namespace misuse {
namespace {

struct Section {
  const char* name; // of the cases
  const char* title;
  const Cases& cases;
};
const Section sections[] = {
    {"arena", "Arena", arena_cases},
    {"slot_arena", "SlotArena", slot_arena_cases},
    {"typed_arena", "TypedArena", typed_arena_cases},
    {"bump", "Bump", bump_cases},
    {"object_pool", "ObjectPool", object_pool_cases},
    {"block_pool", "BlockPool", block_pool_cases},
    {"stack", "Stack", stack_cases},
    {"mapped_arena", "MappedArena", mapped_arena_cases},
    {"region", "Region", region_cases},
    {"scratch", "Scratch", scratch_cases},
    {"multipool", "Multipool", multipool_cases},
    {"shared_arena", "SharedArena", shared_arena_cases},
    {"thread_scratch", "thread_scratch", thread_scratch_cases},
    {"shared_block_pool", "SharedBlockPool", shared_block_pool_cases},
    {"shared_object_pool", "SharedObjectPool", shared_object_pool_cases},
    {"shared_multipool", "SharedMultipool", shared_multipool_cases},
    {"buffer", "Buffer", buffer_cases},
    {"verbs", "The page's verbs", verb_cases},
    {"", "Allocator and pmr", face_cases},
    {"hooks", "Hooks", hook_cases},
};

constexpr int notes_descriptor = 3; // the child's words to its parent
constexpr int valgrind_code = 9;    // its --error-exitcode
constexpr int seconds = 60;         // for one case, under Valgrind on a busy machine

enum class Kind { tool, fault, nothing, refusal };
Kind kind(const Case& c) {
  if (c.verdict == poisoned || c.verdict == freed || c.verdict == outside)
    return Kind::tool;
  return c.verdict == "fault"     ? Kind::fault
         : c.verdict == "nothing" ? Kind::nothing
                                  : Kind::refusal;
}

// ---------------------------------------------------------------------------- in the child process

std::FILE* notes = nullptr;

void note(const char* how, allot::Errc code, const char* what) {
  std::fprintf(notes, "%s(%s) %s", how, name(code), what);
  std::fflush(notes);
}

void try_run(const Case& c) {
  try {
    c.run();
  } catch (const allot::Misuse& error) {
    note("Misuse", error.code(), error.what());
  } catch (const allot::Exhausted& error) {
    note("Exhausted", error.code(), error.what());
  }
  std::fflush(nullptr);
}

[[noreturn]] void run(const Case& c) {
  notes = fdopen(notes_descriptor, "w");
  alarm(seconds);
  static void (*const by_default)(const allot::Misuse&) = allot::misuse_handler;
  allot::misuse_handler = [](const allot::Misuse& error) {
    note("reported", error.code(), error.what());
    by_default(error);
  };
  try_run(c);
  std::_Exit(0);
}

// --------------------------------------------------------------------------- in the parent process

struct Outcome {
  int status = 0;
  std::string notes;
  std::string errors;             // what was printed
  unsigned long long address = 0; // that it was about
};

std::string contents(std::FILE* file) {
  std::string text;
  std::rewind(file);
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file))
    text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

// What Valgrind wrote into its log since the last call. It watches this process's children too, as
// they are forked from it: one start serves all cases.
std::string new_in(const char* log) {
  static std::streamoff known = 0;
  std::ifstream file(log);
  file.seekg(known);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  known += static_cast<std::streamoff>(text.size());
  return text;
}

Outcome in_child(const Case& c, const char* log) {
  std::FILE* const noted = std::tmpfile();
  std::FILE* const printed = std::tmpfile();
  if (noted == nullptr || printed == nullptr) {
    std::perror("tmpfile");
    std::exit(2);
  }
  std::fflush(nullptr); // or the child would print it too
  const pid_t child = fork();
  if (child == 0) {
    dup2(fileno(printed), STDERR_FILENO);
    dup2(fileno(noted), notes_descriptor);
    run(c);
  }
  Outcome outcome;
  while (waitpid(child, &outcome.status, 0) < 0 && errno == EINTR) {
  }
  outcome.notes = contents(noted);
  outcome.errors = contents(printed);
  if (log != nullptr) {
    const std::string by_valgrind = new_in(log);
    if (kind(c) != Kind::refusal) // which may abort, of which Valgrind tells as well
      outcome.errors += by_valgrind;
  }

  // The last line is the verdict; the addresses told are before it, the last of them counts.
  const std::size_t end = outcome.notes.rfind('\n');
  if (end != std::string::npos) {
    const std::string told = outcome.notes.substr(0, end);
    outcome.notes.erase(0, end + 1);
    const std::string address = told.substr(told.rfind('\n') + 1);
    outcome.address = std::strtoull(address.c_str(), nullptr, 16);
    for (std::string* text : {&outcome.notes, &outcome.errors}) {
      const std::size_t at = text->find(address);
      if (at != std::string::npos && kind(c) == Kind::refusal)
        text->replace(at, address.size(), "%p");
    }
  }
  return outcome;
}

// The number behind `before`, or 0.
unsigned long long number_behind(const std::string& text, std::string_view before) {
  const std::size_t at = text.find(before);
  return at == std::string::npos ? 0
                                 : std::strtoull(text.c_str() + at + before.size(), nullptr, 16);
}
std::size_t count(const std::string& text, std::string_view word) {
  std::size_t n = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
    ++n;
  return n;
}

// What came of it, as a case tells what must.
std::string verdict(const Case& c, const Outcome& o) {
  const bool exited = WIFEXITED(o.status);
  const int code = exited ? WEXITSTATUS(o.status) : 0;
  const int signal = WIFSIGNALED(o.status) ? WTERMSIG(o.status) : 0;

  if (exited && code == 0 && o.errors.empty())
    return o.notes.empty() ? "nothing" : o.notes;
  if (signal == SIGABRT && o.notes.starts_with("reported(") &&
      o.errors == "allot: " + o.notes.substr(o.notes.find(' ') + 1) + "\n")
    return o.notes;
  if (signal == SIGSEGV && o.address != 0 && o.notes.empty() && o.errors.empty())
    return "fault";

  constexpr std::string_view by_asan = "ERROR: AddressSanitizer: ";
  const std::size_t asan = o.errors.find(by_asan);
  if (code != 0 && asan != std::string::npos && o.notes.empty()) {
    const std::size_t name = asan + by_asan.size();
    const std::string report = o.errors.substr(name, o.errors.find(' ', name) - name);
    if (report == "SEGV" && number_behind(o.errors, "on unknown address ") == o.address)
      return "fault";
    if (number_behind(o.errors, "on address ") == o.address &&
        o.errors.find("WRITE of size 1 ") != std::string::npos)
      return report;
  }
  // Valgrind has one word for all of them.
  const bool by_valgrind = count(o.errors, "Invalid write of size 1") == 1 &&
                           count(o.errors, "Invalid ") == 1 &&
                           number_behind(o.errors, " Address ") == o.address;
  if (code == valgrind_code && by_valgrind && kind(c) == Kind::tool)
    return c.verdict;
  if (signal == SIGSEGV && by_valgrind && kind(c) == Kind::fault)
    return "fault";

  return "status " + std::to_string(code) + ", signal " + std::to_string(signal) + ", \"" +
         o.notes + "\", and printed:\n" + o.errors;
}

const Case* find(std::string_view name) {
  for (const Section& section : sections)
    for (const Case& c : section.cases)
      if (c.name == name)
        return &c;
  return nullptr;
}

// What a build can't tell is no test of it.
bool is_told_here(const Case& c) {
  return kind(c) != Kind::tool || allot::instrumented;
}

int judge(const Case& c, const char* log) {
  if (!is_told_here(c)) {
    std::fprintf(stderr, "%s: only AddressSanitizer and Valgrind can tell\n", c.name.c_str());
    return 2;
  }
  const std::string came = verdict(c, in_child(c, log));
  if (came == c.verdict)
    return 0;
  std::fprintf(stderr, "%s: %s\nexpected: %s\ncame:     %s\n", c.name.c_str(), c.misuse.c_str(),
               c.verdict.c_str(), came.c_str());
  return 1;
}

// Runs one case of each kind of strategy in this process, as Valgrind translates code when it is
// first run, and children are born with what was translated before.
void warm_up() {
  notes = std::tmpfile();
  for (const Section& section : sections)
    for (const Case& c : section.cases)
      if (c.verdict.starts_with("Misuse")) {
        try_run(c);
        break;
      }
  std::fclose(notes);
}

int judge_all(const char* log) {
  if (log != nullptr)
    warm_up();
  int cases = 0;
  int failed = 0;
  for (const Section& section : sections) {
    for (const Case& c : section.cases) {
      if (is_told_here(c)) {
        ++cases;
        failed += judge(c, log);
      }
    }
  }
  std::printf("%d cases, %d failed\n", cases, failed);
  return failed != 0;
}

// ------------------------------------------------------------------------------- the list of cases

constexpr const char* introduction =
    R"(# Misuse, and what catches it

Each line is a program that uses allot wrongly, and a test: it is run in a process of its own, and
what comes of it is compared to the letter. This page is printed by the tests
(`allot_misuse --markdown`), and a test compares it, so it says what is so.

- `Misuse(code)` and `Exhausted(code)` are thrown, in every build, and the call has changed nothing
  (of many blocks freed at once: nothing from the wrong one on).
- `reported(code)` goes to `allot::misuse_handler`, in every build, because nothing may be thrown
  there. The default handler prints the message to standard error and aborts.
- `refused` is a call that returned null or false.
- `fault` is a segmentation fault: the memory is gone.
- *not caught* is what no check at a call can find: a write past an allocation, a pointer kept for
  too long. Builds with AddressSanitizer and with `-DALLOT_VALGRIND` under Valgrind find it at the
  first byte. AddressSanitizer's report has the name given.

What nothing finds: a write from one allocation into another that is there, where they touch, as
values on a `Stack` and allocations in a borrowed buffer do, or where the pointer goes past what
lies between; a pointer that was kept while its memory was handed out again.
)";

std::string markdown() {
  std::string text = introduction;
  const auto row = [&](std::initializer_list<std::string_view> cells) {
    for (const std::string_view cell : cells)
      text.append("| ").append(cell).append(" ");
    text += "|\n";
  };
  for (const Section& section : sections) {
    const std::string name = section.name;
    text.append("\n## ").append(section.title).append("\n\n");
    row({name.empty() ? "" : "`" + name + ".`", "misuse", "release", "AddressSanitizer",
         "Valgrind"});
    text += "|---|---|---|---|---|\n";
    for (const Case& c : section.cases) {
      const std::string test = "`" + c.name.substr(name.empty() ? 0 : name.size() + 1) + "`";
      const std::string kept = "`" + c.verdict.substr(0, c.verdict.find(' ')) + "`";
      if (kind(c) == Kind::tool)
        row({test, c.misuse, "*not caught*", kept, "`Invalid write`"});
      else if (kind(c) != Kind::nothing)
        row({test, c.misuse, kept, kept, kept});
    }
  }
  return text;
}

int compare(const char* path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text == markdown())
    return 0;
  std::fprintf(stderr, "%s is not what `allot_misuse --markdown` prints\n", path);
  return 1;
}

} // namespace

void tell_address(const volatile void* p) {
  std::fprintf(notes, "%p\n", const_cast<const void*>(p));
  std::fflush(notes);
}

void refused(bool was) {
  std::fputs(was ? "refused" : "accepted", notes);
  std::fflush(notes);
}

} // namespace misuse

int main(int argc, char** argv) {
  using namespace misuse;
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "--all")
    return judge_all(argc > 2 ? argv[2] : nullptr);
  if (word == "--markdown")
    return std::fputs(markdown().c_str(), stdout) < 0;
  if (word == "--compare" && argc == 3)
    return compare(argv[2]);
  const Case* const c = find(word);
  if (c == nullptr) {
    std::fprintf(stderr, "allot_misuse: no case is named \"%s\"\n", argc > 1 ? argv[1] : "");
    return 2;
  }
  return judge(*c, argc > 2 ? argv[2] : nullptr);
}
