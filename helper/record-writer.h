/* The other way: records made of what is found, for src/helper/tree-records.ts. */
#ifndef PULLRUN_RECORD_WRITER_H
#define PULLRUN_RECORD_WRITER_H

#include <sys/stat.h>

#include "records.h"

struct record_writer {
  int fd;
  size_t used;
  uint8_t bytes[MAX_RECORD_BYTES];
};

/* Little endian. */
void put_number (uint8_t *at, uint64_t value, size_t size);
int begin_record (struct record_writer *writer, enum operation operation, const char *name, const struct stat *st);
/* At most 255 to a record. */
int put_xattr_value (struct record_writer *writer, const char *name, const void *value, size_t size);
int end_record (struct record_writer *writer);
/* A whole record, of what has a target and no attributes. */
int write_target (struct record_writer *writer, enum operation operation, const char *name, const char *target,
                  const struct stat *st);

#endif
