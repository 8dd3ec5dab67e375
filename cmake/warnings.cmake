add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wcast-align -Werror)
