/* The directories that a stream of records has led into, each with what it is given when it is left. */
#ifndef PULLRUN_LEVELS_H
#define PULLRUN_LEVELS_H

#include <limits.h>

#include "meta.h"

#define MAX_LEVELS 1001

struct level {
  int fd;
  size_t path_length; /* of the path before it */
  uint8_t *meta;      /* copy of its record; NULL: it stays as it is */
  size_t meta_size;
};

struct levels {
  size_t depth;
  char path[PATH_MAX]; /* of the innermost, below the first, for messages: cut where it does not fit */
  struct level level[MAX_LEVELS];
};

int innermost (const struct levels *levels);
/* Takes `fd` over, also when it fails; `record` NULL for a directory that stays as it is. -1 with errno. */
int enter_level (struct levels *levels, int fd, const char *name, const struct record *record);
/* -1 with errno, and nothing left. */
int leave_level (struct levels *levels, struct owner owner);
/* Of all that are left. */
void free_levels (struct levels *levels);

#endif
