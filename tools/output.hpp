// Files that a command writes.
#pragma once

#include <cstdio>
#include <functional>
#include <string>

/// What it prints comes into a file of that path; - is standard output. Throws std::system_error
/// unless all of it does.
void write_to(const std::string& path, const std::function<void(std::FILE*)>& print);
