#include "symbols.hpp"

#include <cstdlib>
#include <cxxabi.h>

namespace symbols {
namespace {

/// The length of what precedes the parameters: the last pair of parentheses outside of a template's
/// arguments, where what follows is a qualifier at most.
std::size_t without_parameters(std::string_view name) {
  const std::size_t close = name.rfind(')');
  if (close == std::string_view::npos)
    return name.size();
  const std::string_view rest = name.substr(close + 1);
  if (!rest.empty() && rest != " const" && rest != " &" && rest != " &&" && rest != " const &")
    return name.size();
  int open = 0;
  for (std::size_t i = close + 1; i-- > 0;) {
    open += name[i] == ')' ? 1 : name[i] == '(' ? -1 : 0;
    if (open == 0)
      return i;
  }
  return name.size();
}

/// Where a function template's name begins, behind its return type.
std::size_t behind_return_type(std::string_view name) {
  int open = 0;
  for (std::size_t i = name.size(); i-- > 0;) {
    const char c = name[i];
    if (c == '>' || c == ')')
      ++open;
    else if (c == '<' || c == '(')
      --open;
    else if (c == ' ' && open <= 0)
      return name.substr(0, i).find("operator") == std::string_view::npos ? i + 1 : 0;
  }
  return 0;
}

} // namespace

std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string readable(const char* symbol) {
  std::string_view name = symbol;
  for (const std::string_view clone : {".constprop.", ".isra.", ".part.", ".cold", ".lto_priv."})
    if (const std::size_t at = name.find(clone); at != std::string_view::npos && at != 0)
      name = name.substr(0, at);
  const std::string plain(name);
  if (!plain.starts_with("_Z"))
    return plain;
  int status = 0;
  char* const demangled = abi::__cxa_demangle(plain.c_str(), nullptr, nullptr, &status);
  if (demangled == nullptr)
    return plain;
  std::string result = demangled;
  std::free(demangled);
  const std::size_t abi_tag = result.find("[abi:cxx11]");
  if (abi_tag != std::string::npos)
    result.erase(abi_tag, 11);
  if (result.find("operator") == std::string::npos ||
      result.find("operator()") != std::string::npos) {
    const std::size_t end = without_parameters(result);
    if (end != 0)
      result.resize(end);
    result.erase(0, behind_return_type(result));
  }
  return result;
}

} // namespace symbols
