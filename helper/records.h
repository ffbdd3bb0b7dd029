/* The stream of entry records, read and checked; src/helper/entry-stream.ts has the format. */
#ifndef PULLRUN_RECORDS_H
#define PULLRUN_RECORDS_H

#include <time.h>

#include "util.h"

enum operation { OP_ROOT = 1, OP_DIR, OP_UP, OP_FILE, OP_SYMLINK, OP_NODE, OP_LINK, OP_ENTER };

#define MAX_RECORD_BYTES ((size_t) 4 << 20)

struct record {
  enum operation operation;
  const char *name;
  size_t name_length;
  uint32_t mode, uid, gid;
  struct timespec mtime;
  uint32_t first, xattr_count;
  uint64_t second, third;
  const char *target;
  const uint8_t *xattrs, *end;
  size_t size; /* of the bytes before `end` that parse_record was given */
};

struct record_reader {
  int fd;
  uint8_t *buffer; /* MAX_RECORD_BYTES, of which [start, end) is unread */
  size_t start, end;
};

bool parse_record (const uint8_t *bytes, size_t size, struct record *record);
/* 1 with a record that is valid until the next call, 0 at the end of the stream, -1 after fail. */
int next_record (struct record_reader *reader, struct record *record);
bool at_end (struct record_reader *reader);
/* The extended attribute at `*at`, which moves on; false for a malformed one. */
bool next_xattr (const uint8_t **at, const uint8_t *end, const char **name, struct argument *value);

#endif
