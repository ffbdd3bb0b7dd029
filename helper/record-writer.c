#include "record-writer.h"

#include <errno.h>
#include <string.h>

#define HEADER_BYTES 56

void
put_number (uint8_t *at, uint64_t value, size_t size)
{
  for (size_t i = 0; i < size; i++)
    at[i] = (uint8_t) (value >> 8 * i);
}

static int
put (struct record_writer *writer, const void *bytes, size_t size)
{
  if (writer->used + size > sizeof writer->bytes) {
    errno = E2BIG;
    return -1;
  }
  memcpy (writer->bytes + writer->used, bytes, size);
  writer->used += size;
  return 0;
}

int
begin_record (struct record_writer *writer, enum operation operation, const char *name, const struct stat *st)
{
  uint8_t *at = writer->bytes;
  size_t length = strlen (name);
  memset (at, 0, HEADER_BYTES);
  put_number (at + 4, operation, 2);
  put_number (at + 6, length, 2);
  put_number (at + 8, st->st_mode, 4);
  put_number (at + 12, st->st_uid, 4);
  put_number (at + 16, st->st_gid, 4);
  put_number (at + 20, (uint64_t) st->st_mtim.tv_nsec, 4);
  put_number (at + 24, (uint64_t) st->st_mtim.tv_sec, 8);
  writer->used = HEADER_BYTES;
  return put (writer, name, length + 1);
}

int
end_record (struct record_writer *writer)
{
  put_number (writer->bytes, writer->used - 4, 4);
  return write_all (writer->fd, writer->bytes, writer->used);
}

int
write_target (struct record_writer *writer, enum operation operation, const char *name, const char *target,
              const struct stat *st)
{
  if (begin_record (writer, operation, name, st) < 0)
    return -1;
  put_number (writer->bytes + 32, strlen (target), 4);
  return put (writer, target, strlen (target) + 1) < 0 ? -1 : end_record (writer);
}

int
put_xattr_value (struct record_writer *writer, const char *name, const void *value, size_t size)
{
  uint8_t header[6];
  put_number (header, strlen (name), 2);
  put_number (header + 2, size, 4);
  put_number (writer->bytes + 36, writer->bytes[36] + 1u, 4);
  if (put (writer, header, sizeof header) < 0 || put (writer, name, strlen (name) + 1) < 0)
    return -1;
  return put (writer, value, size);
}
