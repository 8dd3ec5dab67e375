// What the command put into the environment of a program. It is looked for in the list itself: some
// programs, shells above all, have a getenv of their own.
#pragma once

namespace preload {

/// The value of a variable, or null.
const char* variable(const char* name);

/// Takes the variable out, and the first entry, which is ours, out of the list of libraries to
/// preload, so that what the program starts runs as it is.
void leave_environment(const char* name);

} // namespace preload
