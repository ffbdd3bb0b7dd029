/* What is in one file, copied to another. */
#ifndef PULLRUN_DATA_H
#define PULLRUN_DATA_H

#include "util.h"

/* The whole file, however much that is. */
#define ALL_BYTES INT64_MAX

/* `size` bytes from `offset` on, or fewer where the file ends before: how many; -1 with errno. */
int64_t copy_data (int from, int64_t offset, int to, int64_t size);

#endif
