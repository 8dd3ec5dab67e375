// Running the program again and again: the same input each time, what it writes kept.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runner/runner.hpp"

namespace trial {

/// A descriptor that closes with this.
class Descriptor {
public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int number() const { return number_; }

private:
  int number_;
};

/// An empty file without a name, in TMPDIR. Throws std::system_error.
Descriptor make_file();

/// Throws std::system_error when one of them can't be read.
bool same_contents(const Descriptor& a, const Descriptor& b);

/// What each run reads: all of it.
class Input {
public:
  /// Nothing. Throws std::system_error.
  Input();
  /// What comes from standard input. A terminal stays one, anything else is read to its end at
  /// once. Throws std::system_error.
  static Input of_standard_input();

  /// At its start, for one run. Throws std::system_error.
  Descriptor open() const;
  /// For what is run without this. Throws std::system_error.
  void become_standard_input() const;

private:
  explicit Input(Descriptor file) : file_(std::move(file)) {}

  Descriptor file_; // -1: the terminal
};

/// One run, to its end.
struct Run {
  Ending ending;
  Descriptor out;
  Descriptor err;
};

struct Subject {
  std::string path;                   ///< of the program
  std::vector<std::string> arguments; ///< the first is what it was called
  std::string runner;                 ///< the path of allot_trial_runner
};

/// Preloads a library (empty: none) and sets a variable, "NAME=VALUE" (empty: none); what the
/// user preloads stays. Throws std::system_error, also when the program can't be started.
Run run(const Subject& subject, const Input& input, const std::string& library,
        const std::string& variable);

} // namespace trial
