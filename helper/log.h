/*
 * What a supervised container writes, as lines `TIME STREAM TAG TEXT` (the kubelet's CRI log format): RFC 3339 time,
 * stdout or stderr, F for a whole line or P for a part of one. TEXT keeps its bytes.
 */
#ifndef PULLRUN_LOG_H
#define PULLRUN_LOG_H

#include <stdint.h>

#include "util.h"

struct log {
  const char *directory; /* `log` and, once rotated, `log.1` lie there */
  uint64_t limit;        /* bytes at which it is rotated; 0: no log is kept */
  uint64_t size;
  int fd;
};

/* Goes on where an earlier run ended. -1 after fail. */
int log_open (struct log *log);
/* A full disk loses what does not fit, in whole pieces, and stops nothing. */
void log_write (struct log *log, const char *stream, const char *bytes, size_t size);

#endif
