#include "records.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define HEADER_BYTES 52 /* after the length field */
#define XATTR_HEADER_BYTES 6

/* At least `size` unread bytes; 0 at the end of the stream, -1 with errno. */
static int
fill (struct record_reader *reader, size_t size)
{
  if (reader->end - reader->start >= size)
    return 1;
  memmove (reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
  reader->end -= reader->start;
  reader->start = 0;
  while (reader->end < size) {
    ssize_t got = read (reader->fd, reader->buffer + reader->end, MAX_RECORD_BYTES - reader->end);
    if (got < 0 && errno != EINTR)
      return -1;
    if (got == 0 && reader->end > 0)
      errno = ENODATA;
    if (got == 0)
      return reader->end > 0 ? -1 : 0;
    if (got > 0)
      reader->end += (size_t) got;
  }
  return 1;
}

static bool
take_text (const uint8_t **at, const uint8_t *end, size_t length, const char **text)
{
  if ((size_t) (end - *at) <= length || (*at)[length] != 0 || memchr (*at, 0, length) != NULL)
    return false;
  *text = (const char *) *at;
  *at += length + 1;
  return true;
}

bool
parse_record (const uint8_t *bytes, size_t size, struct record *record)
{
  const uint8_t *at = bytes + HEADER_BYTES;
  if (size < HEADER_BYTES || little_endian (bytes, 2) < OP_ROOT || little_endian (bytes, 2) > OP_ENTER)
    return false;
  *record = (struct record){
    .operation = (enum operation) little_endian (bytes, 2),
    .name_length = little_endian (bytes + 2, 2),
    .mode = (uint32_t) little_endian (bytes + 4, 4),
    .uid = (uint32_t) little_endian (bytes + 8, 4),
    .gid = (uint32_t) little_endian (bytes + 12, 4),
    .mtime = { .tv_nsec = (long) little_endian (bytes + 16, 4), .tv_sec = (time_t) little_endian (bytes + 20, 8) },
    .first = (uint32_t) little_endian (bytes + 28, 4),
    .xattr_count = (uint32_t) little_endian (bytes + 32, 4),
    .second = little_endian (bytes + 36, 8),
    .third = little_endian (bytes + 44, 8),
    .end = bytes + size,
    .size = size,
  };
  bool has_target = record->operation == OP_SYMLINK || record->operation == OP_LINK;
  if (!take_text (&at, record->end, record->name_length, &record->name))
    return false;
  if (has_target && !take_text (&at, record->end, record->first, &record->target))
    return false;
  record->xattrs = at;
  return true;
}

int
next_record (struct record_reader *reader, struct record *record)
{
  int more = fill (reader, 4);
  if (more <= 0)
    return more < 0 ? fail ("", "cannot read the entry stream") : 0;
  size_t size = little_endian (reader->buffer + reader->start, 4);
  if (size > MAX_RECORD_BYTES - 4)
    return fail_with (EPROTO, "", "entry stream: record too long");
  if (fill (reader, 4 + size) <= 0)
    return fail ("", "cannot read the entry stream");
  if (!parse_record (reader->buffer + reader->start + 4, size, record))
    return fail_with (EPROTO, "", "entry stream: malformed record");
  reader->start += 4 + size;
  return 1;
}

bool
at_end (struct record_reader *reader)
{
  return fill (reader, 1) == 0;
}

bool
next_xattr (const uint8_t **at, const uint8_t *end, const char **name, struct argument *value)
{
  if ((size_t) (end - *at) < XATTR_HEADER_BYTES)
    return false;
  size_t name_length = little_endian (*at, 2), length = little_endian (*at + 2, 4);
  *at += XATTR_HEADER_BYTES;
  if (!take_text (at, end, name_length, name) || (size_t) (end - *at) < length)
    return false;
  *value = (struct argument){ (const char *) *at, (uint32_t) length };
  *at += length;
  return true;
}
