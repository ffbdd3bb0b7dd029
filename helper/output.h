/* What a client of a container writes to: its own standard output or error, which it must not be held up by. */
#ifndef PULLRUN_OUTPUT_H
#define PULLRUN_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct output {
  int fd;
  bool socket;
  size_t most; /* bytes that a write takes without waiting, or as many as there are where no write waits */
};

struct output output_open (int fd);
/* As write(2), of as much as there is room for now. */
ssize_t output_write (const struct output *output, const char *bytes, size_t size);

#endif
