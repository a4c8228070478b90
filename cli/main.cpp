#include <cstdio>

int main() {
  std::fputs("jade: no command yet\n", stderr);
  return 2;
}
