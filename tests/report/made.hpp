// The data of a report on a program that is made up.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include "../advisor/recording.hpp"
#include "report/data.hpp"
#include "report/report.hpp"

constexpr std::uint32_t start = 1;
constexpr std::uint32_t main_function = 2;
constexpr std::uint32_t work = 3;
constexpr std::uint32_t inner = 4;
constexpr std::uint32_t other = 5;

inline std::string text_of(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

struct Program {
  std::function<void(Recording&)> main;
  std::string path = "/nowhere/program";
  std::vector<std::string> arguments = {"program"};
  double seconds = 0.001; ///< of processor time
};

/// What a report says of what main does.
class Made {
public:
  explicit Made(const Program& program, const std::string& trial = {})
      : file_(), trace_(record(file_.path(), program)), stacks_(trace_.contexts()),
        lifetimes_(measure_lifetimes(trace_, stacks_)), symbols_(trace_.modules()),
        inputs{trace_, stacks_, lifetimes_, symbols_}, advice(find_advice(inputs, 0.02)),
        text(data_json(inputs, advice,
                       trial.empty() ? report::Trial()
                                     : report::Trial(trial, trace_.program(), advice))) {
    json.Parse(text.c_str());
    EXPECT_FALSE(json.HasParseError()) << text.substr(json.GetErrorOffset(), 80);
  }
  explicit Made(const std::function<void(Recording&)>& main) : Made(Program{.main = main}) {}

  const rapidjson::Value& operator[](const char* key) const { return json[key]; }
  /// Of the report's entries the one of a kind.
  const rapidjson::Value& entry(const char* kind) const {
    for (const rapidjson::Value& entry : json["entries"].GetArray())
      if (text_of(entry["kind"]) == kind)
        return entry;
    ADD_FAILURE() << "no entry " << kind;
    return json;
  }

private:
  static trace::Trace record(const std::string& path, const Program& program) {
    Recording recording(path, program.path, program.arguments);
    {
      const Call a(recording, start);
      const Call b(recording, main_function);
      program.main(recording);
    }
    recording.finish(program.seconds);
    return trace::Trace::open(path);
  }

  TemporaryFile file_;
  trace::Trace trace_;
  analyze::Stacks stacks_;
  analyze::Lifetimes lifetimes_;
  symbols::Symbols symbols_;

public:
  advise::Inputs inputs;
  advise::Advice advice;
  std::string text;
  rapidjson::Document json;
};

inline std::vector<std::uint64_t> numbers(const rapidjson::Value& list) {
  std::vector<std::uint64_t> numbers;
  for (const rapidjson::Value& number : list.GetArray())
    numbers.push_back(number.GetUint64());
  return numbers;
}
