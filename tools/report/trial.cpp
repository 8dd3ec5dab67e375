#include "trial.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fmt/format.h>
#include <rapidjson/error/en.h>
#include <string_view>

#include "../symbols/symbols.hpp"

namespace report {
namespace {

using rapidjson::Value;

constexpr std::size_t max_text = 1 << 20;

[[noreturn]] void no_trial(const std::string& why) {
  throw TrialError("no trial's JSON: " + why);
}

const Value* find(const Value& object, const char* key) {
  const auto found = object.FindMember(key);
  return found == object.MemberEnd() ? nullptr : &found->value;
}

std::string_view text_of(const Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

std::string_view text_of(const Value& object, const char* key) {
  const Value* const value = find(object, key);
  return value != nullptr && value->IsString() ? text_of(*value) : std::string_view();
}

void check_number(const Value& object, const char* key, const std::string& where) {
  const Value* const value = find(object, key);
  if (value == nullptr || !value->IsNumber())
    no_trial(fmt::format("{} has no number \"{}\"", where, key));
}

/// What a trial found for one way: {"gain":{"low","mid","high"},"memory","decided",...}.
void check_found(const Value& found, const std::string& where) {
  if (!found.IsObject())
    no_trial(where + " is no object");
  const Value* const gain = find(found, "gain");
  if (gain == nullptr || !gain->IsObject())
    no_trial(where + " has no object \"gain\"");
  for (const char* const key : {"low", "mid", "high"})
    check_number(*gain, key, where + "'s gain");
  check_number(found, "memory", where);
  if (find(found, "expected") != nullptr)
    check_number(found, "expected", where);
  const Value* const decided = find(found, "decided");
  if (decided == nullptr || !decided->IsBool())
    no_trial(where + " has no true or false \"decided\"");
}

void check_form(const Value& json) {
  if (!json.IsObject())
    no_trial("it is no object");
  const Value* const version = find(json, "version");
  if (version == nullptr || !version->IsInt())
    no_trial("it has no number \"version\"");
  if (version->GetInt() != 1)
    no_trial(fmt::format("its version is {}, and 1 is understood", version->GetInt()));
  const Value* const advice = find(json, "advice");
  if (advice == nullptr || !advice->IsArray())
    no_trial("it has no list \"advice\"");
  for (rapidjson::SizeType i = 0; i < advice->Size(); ++i) {
    const std::string where = fmt::format("entry {} of \"advice\"", i + 1);
    const Value& entry = (*advice)[i];
    if (!entry.IsObject() || text_of(entry, "kind").empty())
      no_trial(where + " has no \"kind\"");
    if (const Value* const trial = find(entry, "trial"))
      check_found(*trial, where);
  }
  const Value* const whole = find(json, "trial");
  const Value* const others = find(json, "alternatives");
  if (whole == nullptr && others == nullptr)
    no_trial("it has neither \"trial\" nor \"alternatives\"");
  if (whole != nullptr)
    check_found(*whole, "\"trial\"");
  if (others != nullptr) {
    if (!others->IsObject())
      no_trial("\"alternatives\" is no object");
    for (const auto& other : others->GetObject())
      check_found(other.value, fmt::format("\"{}\"", text_of(other.name)));
  }
}

/// The program's path, or, of what was typed, the file that it names: a script's is an argument.
bool is_of(const Value& json, const trace::Program& program) {
  if (const std::string_view path = text_of(json, "program"); !path.empty())
    return path == program.path;
  const Value* const command = find(json, "command");
  if (command == nullptr || !command->IsArray() || command->Empty() || !(*command)[0].IsString())
    no_trial("it has no \"program\", and no \"command\"");
  const std::string_view name = symbols::file_name(text_of((*command)[0]));
  return name == symbols::file_name(program.path) ||
         std::any_of(program.arguments.begin(), program.arguments.end(),
                     [&](const std::string& text) { return name == symbols::file_name(text); });
}

std::string program_of(const Value& json) {
  const std::string_view path = text_of(json, "program");
  return std::string(path.empty() ? text_of((*find(json, "command"))[0]) : path);
}

/// A trial tells routes apart, not what makes them: an object pool's is a region.
bool same(const Value& tried, const advise::Entry& entry) {
  const std::string_view kind = text_of(tried, "kind");
  return text_of(tried, "function") == entry.function &&
         (kind == advise::name_of(entry.kind) ||
          (kind == "region" && entry.kind == advise::Kind::object_pool));
}

} // namespace

Trial::Trial(const std::string& text, const trace::Program& program, const advise::Advice& advice) {
  if (text.size() > max_text)
    no_trial("it is longer than a mebibyte");
  json_.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  if (json_.HasParseError())
    no_trial(fmt::format("{} (at byte {})", rapidjson::GetParseError_En(json_.GetParseError()),
                         json_.GetErrorOffset()));
  check_form(json_);
  if (!is_of(json_, program))
    throw TrialError(
        fmt::format("a trial of {}, and the trace is of {}", program_of(json_), program.path));
  match(advice);
  for (const char* const key : {"version", "program", "command"})
    json_.RemoveMember(key);
}

/// Of those that are alike, both have the same order.
void Trial::match(const advise::Advice& advice) {
  const Value& tried = json_["advice"];
  std::vector<bool> taken(tried.Size());
  for (const advise::Entry& entry : advice.entries) {
    of_entry_.push_back(-1);
    for (rapidjson::SizeType at = 0; at < tried.Size(); ++at) {
      if (taken[at] || !same(tried[at], entry))
        continue;
      taken[at] = true;
      if (find(tried[at], "trial") != nullptr)
        of_entry_.back() = static_cast<int>(at);
      break;
    }
  }
}

} // namespace report
