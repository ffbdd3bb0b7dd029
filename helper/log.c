#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES 64
/* Longer lines come in parts. */
#define MAX_PIECE ((size_t) 8192)

static bool
path_of (const struct log *log, const char *name, char path[PATH_MAX])
{
  return snprintf (path, PATH_MAX, "%s/%s", log->directory, name) < PATH_MAX;
}

int
log_open (struct log *log)
{
  char path[PATH_MAX];
  struct stat st;
  log->fd = -1;
  if (log->limit == 0)
    return 0;
  if (!path_of (log, "log", path))
    return fail_with (ENAMETOOLONG, log->directory, "cannot open the log");
  log->fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (log->fd < 0 || fstat (log->fd, &st) < 0)
    return fail (path, "cannot open the log");
  log->size = (uint64_t) st.st_size;
  return 0;
}

static void
rotate (struct log *log)
{
  char from[PATH_MAX], to[PATH_MAX];
  if (!path_of (log, "log", from) || !path_of (log, "log.1", to) || rename (from, to) < 0)
    return;
  int fd = open (from, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    return;
  close (log->fd);
  log->fd = fd;
  log->size = 0;
}

/*
 * Days since 1970 to a date in the Gregorian calendar, by years that begin in March so that leap days come last. Not
 * gmtime: the C library's reads TZ and a file of the machine's.
 */
static void
format_date (char text[11], int64_t days)
{
  int64_t shifted = days + 719468, era = shifted / 146097, day_of_era = shifted % 146097;
  int64_t year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day = day_of_era - (365 * year + year / 4 - year / 100), month = (5 * day + 2) / 153;
  int calendar_month = (int) (month < 10 ? month + 3 : month - 9);
  int calendar_year = (int) (era * 400 + year + (calendar_month <= 2)) % 10000;
  snprintf (text, 11, "%04u-%02u-%02u", (unsigned) calendar_year, (unsigned) calendar_month % 100,
            (unsigned) (day - (153 * month + 2) / 5 + 1) % 100);
}

static void
format_time (char text[40])
{
  struct timespec time;
  char date[11];
  clock_gettime (CLOCK_REALTIME, &time);
  unsigned second = (unsigned) (time.tv_sec % 86400);
  format_date (date, time.tv_sec / 86400);
  snprintf (text, 40, "%sT%02u:%02u:%02u.%09uZ", date, second / 3600, second / 60 % 60, second % 60,
            (unsigned) time.tv_nsec);
}

struct batch {
  char bytes[65536];
  size_t used;
};

/* All or nothing: half a line would garble the next. */
static void
write_batch (struct log *log, struct batch *batch)
{
  if (batch->used == 0)
    return;
  if (log->size > 0 && log->size + batch->used > log->limit)
    rotate (log);
  ssize_t wrote = write (log->fd, batch->bytes, batch->used);
  if (wrote >= 0 && (size_t) wrote == batch->used)
    log->size += batch->used;
  else if (wrote > 0 && ftruncate (log->fd, (off_t) log->size) < 0)
    log->size += (size_t) wrote;
  batch->used = 0;
}

static void
add (struct batch *batch, const char *bytes, size_t size)
{
  memcpy (batch->bytes + batch->used, bytes, size);
  batch->used += size;
}

void
log_write (struct log *log, const char *stream, const char *bytes, size_t size)
{
  struct batch batch;
  char time[40], head[HEAD_BYTES];
  if (log->fd < 0 || size == 0)
    return;
  /* Not an initializer, which would clear all of it each time. */
  batch.used = 0;
  format_time (time);
  size_t head_size = (size_t) snprintf (head, sizeof head, "%s %s F ", time, stream);
  for (size_t at = 0; at < size;) {
    size_t rest = size - at < MAX_PIECE ? size - at : MAX_PIECE;
    const char *end = memchr (bytes + at, '\n', rest);
    size_t length = end ? (size_t) (end - bytes) - at : rest;
    head[head_size - 2] = end ? 'F' : 'P';
    if (batch.used + head_size + length + 1 > sizeof batch.bytes)
      write_batch (log, &batch);
    add (&batch, head, head_size);
    add (&batch, bytes + at, length);
    add (&batch, "\n", 1);
    at += length + (end != NULL);
  }
  write_batch (log, &batch);
}
