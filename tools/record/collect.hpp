// Waiting for what a program and its children have to tell.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "session.hpp"

namespace record {

/// What was written of one process.
struct Recorded {
  pid_t process;
  std::string path;
  std::uint64_t events;
  std::uint64_t lost;
  std::uint64_t bytes;
  std::string failure; ///< why the rest is missing; empty when it is all there
};

struct Outcome {
  std::vector<Recorded> recorded; ///< in the order they ended
  std::string refusal;            ///< why the program could not be recorded, as the library says
  int status = 0;                 ///< of the program, as wait() has it
  double of_children = 0;         ///< their part of the processor time that it and they took
  std::string became;             ///< the program that it went on as, which was not recorded
};

class Collector {
public:
  /// Makes the file of the first process. Throws std::system_error.
  Collector(std::string path, bool children);
  Collector(Collector&&) = delete;
  ~Collector();

  /// For the environment of the program.
  std::string variable() const;

  /// Returns when the program has ended, and with `children` all of them; or earlier when SIGINT or
  /// SIGTERM comes after the program has ended.
  Outcome run(pid_t program);

private:
  struct Watched;

  void accept_one();
  std::unique_ptr<trace::Writer> trace_for(pid_t process);
  void end(Watched& watched, const Ending& ending);
  void program_ended();
  void look_at_image();
  bool others_are_left();
  std::size_t drain();
  void wait(int milliseconds);

  std::string path_;
  bool children_;
  std::unique_ptr<trace::Writer> first_; // until the first process comes
  std::string name_;
  int listener_ = -1;
  pid_t program_ = 0;
  std::string image_;           // of the program, once it is known
  int program_descriptor_ = -1; // until it has ended
  std::vector<std::unique_ptr<Watched>> watched_;
  Outcome outcome_;
};

} // namespace record
