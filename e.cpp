#include <cerrno>
#include <sys/mman.h>
 int main(){}