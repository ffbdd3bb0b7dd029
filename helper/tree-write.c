/*
 * The directory may be a running container's, which changes it meanwhile: everything is done to a directory descriptor
 * and a single name, nothing is followed but `enter` records, and those inside the root. Nothing goes through /proc,
 * which may be the container's. What is there gives way as in `docker cp`: files to files, but no directory to a file
 * and no file to a directory.
 */
#include "tree-write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "levels.h"
#include "links.h"
#include "root.h"
#include "walk.h"

struct writer {
  const struct context *context;
  struct record_reader reader;
  struct owner owner;
  const char *name; /* of the first entry, whatever its record says; "" for the contents of a directory */
  const char *directory; /* where it all begins, below the root */
  struct levels levels; /* the first is the directory that was named */
  int top;              /* links lead below it */
};

static int
fail_here (const struct writer *writer, const char *name, const char *what)
{
  int error = errno;
  char object[PATH_MAX + NAME_MAX];
  snprintf (object, sizeof object, "%s%s/%s", writer->directory, writer->levels.path, name);
  return fail_with (error, object, "cannot %s", what);
}

static int
enter_directory (struct writer *writer, int dir, const char *name, const struct record *record)
{
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  if (mkdirat (dir, name, 0700) < 0 && errno != EEXIST)
    return fail_here (writer, name, "make directory");
  int fd = openat (dir, name, flags);
  if (fd < 0)
    return fail_here (writer, name, "put a directory there");
  return enter_level (&writer->levels, fd, name, record) < 0 ? fail_here (writer, name, "enter the directory") : 0;
}

static int
leave_directory (struct writer *writer)
{
  return leave_level (&writer->levels, writer->owner) < 0 ? fail_here (writer, "", "set owner and mode") : 0;
}

/* Of a tar's path: what the container's own links make of it, inside its root. Made where it is missing. */
static int
enter_path (struct writer *writer, const char *name)
{
  char path[2 * PATH_MAX];
  snprintf (path, sizeof path, "%s%s/%s", writer->directory, writer->levels.path, name);
  autoclose int place = root_directory (writer->context, path);
  int fd = place < 0 ? -1 : openat (place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || enter_level (&writer->levels, fd, name, NULL) < 0)
    return fail_here (writer, name, "open directory");
  return 0;
}

static int
receive_data (struct writer *writer, int fd, uint64_t size)
{
  struct record_reader *reader = &writer->reader;
  while (size > 0) {
    if (at_end (reader))
      return fail_with (EPROTO, writer->levels.path, "entry stream: ends early");
    size_t left = reader->end - reader->start, part = size < left ? (size_t) size : left;
    if (write_all (fd, reader->buffer + reader->start, part) < 0)
      return -1;
    reader->start += part;
    size -= part;
  }
  return 0;
}

/* Gone or never there; -1 for a directory, which gives way to nothing. */
static int
make_room (int dir, const char *name)
{
  return unlinkat (dir, name, 0) < 0 && errno != ENOENT ? -1 : 0;
}

/* A new file, or, of one that something is mounted on (/etc/hosts), what is in it. */
static int
open_file (int dir, const char *name)
{
  struct stat st;
  if (make_room (dir, name) == 0)
    return openat (dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  int fd = errno == EBUSY ? openat (dir, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
  if (fd < 0 || (fstat (fd, &st) == 0 && S_ISREG (st.st_mode) && ftruncate (fd, 0) == 0))
    return fd;
  close (fd);
  errno = EBUSY;
  return -1;
}

static int
replace_file (struct writer *writer, int dir, const char *name, const struct record *record)
{
  struct record copy;
  autofree uint8_t *bytes = malloc (record->size);
  if (!bytes)
    return fail_here (writer, name, "write");
  /* The data come in over the record. */
  memcpy (bytes, record->end - record->size, record->size);
  parse_record (bytes, record->size, &copy);
  name = name == record->name ? copy.name : name;
  autoclose int fd = open_file (dir, name);
  if (fd < 0 || receive_data (writer, fd, copy.third) < 0)
    return fail_here (writer, name, "write");
  return set_meta (writer->owner, &copy, fd) < 0 ? fail_here (writer, name, "set owner and mode of") : 0;
}

static int
write_other (struct writer *writer, int dir, const char *name, const struct record *record)
{
  struct timespec times[2] = { record->mtime, record->mtime };
  dev_t device = makedev (record->first, (unsigned) record->second);
  if (make_room (dir, name) < 0)
    return fail_here (writer, name, "replace");
  if (record->operation == OP_LINK)
    return link_to (writer->top, record->target, dir, name) < 0 ? fail_here (writer, name, "link") : 0;
  int made = record->operation == OP_SYMLINK ? symlinkat (record->target, dir, name)
                                             : mknodat (dir, name, record->mode & (S_IFMT | 07777), device);
  if (made < 0 || set_owner (writer->owner, record, dir, name) < 0
      || utimensat (dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
    return fail_here (writer, name, "make");
  return 0;
}

static int
write_entry (struct writer *writer, const struct record *record, const char *name)
{
  int dir = innermost (&writer->levels);
  if (record->operation == OP_ROOT || !is_name (name))
    return fail_with (EPROTO, name, "entry stream: not a file name");
  if (record->operation == OP_ENTER)
    return enter_path (writer, name);
  if (record->operation == OP_DIR)
    return enter_directory (writer, dir, name, record);
  return record->operation == OP_FILE ? replace_file (writer, dir, name, record) : write_other (writer, dir, name, record);
}

/* The first entry has the name it was given; or it is the directory itself, whose metadata stay. */
static int
begin (struct writer *writer, int directory)
{
  struct record record;
  int more = next_record (&writer->reader, &record);
  writer->top = directory;
  if (enter_level (&writer->levels, directory, "", NULL) < 0 || more < 0)
    return -1;
  if (more == 0)
    return fail_with (EPROTO, "", "entry stream: is empty");
  if (!*writer->name)
    return record.operation == OP_DIR ? 0 : fail_with (ENOTDIR, writer->directory, "cannot put a file in the place of");
  if (write_entry (writer, &record, writer->name) < 0)
    return -1;
  if (record.operation == OP_DIR)
    writer->top = innermost (&writer->levels);
  return 0;
}

static int
write_all_entries (struct writer *writer, int directory)
{
  struct record record;
  if (begin (writer, directory) < 0)
    return -1;
  size_t bottom = *writer->name ? 1 : 0;
  while (writer->levels.depth > bottom) {
    int more = next_record (&writer->reader, &record);
    if (more == 0)
      return fail_with (EPROTO, "", "entry stream: ends early");
    if (more < 0 || (record.operation == OP_UP ? leave_directory (writer) : write_entry (writer, &record, record.name)) < 0)
      return -1;
  }
  return at_end (&writer->reader) ? 0 : fail_with (EPROTO, "", "entry stream: goes on after its end");
}

static void
free_writer (struct writer **pointer)
{
  struct writer *writer = *pointer;
  if (writer) {
    free_levels (&writer->levels);
    free (writer->reader.buffer);
  }
  free (writer);
}

/* Arguments: directory in the root, name or "", descriptor, uid, gid. */
int
step_write_tree (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0);
  raise_file_limit (context);
  __attribute__ ((cleanup (free_writer))) struct writer *writer = calloc (1, sizeof *writer);
  if (!writer)
    return fail ("", "cannot write files");
  writer->context = context;
  writer->reader = (struct record_reader){ .fd = (int) step_integer (step, 2), .buffer = malloc (MAX_RECORD_BYTES) };
  writer->name = step_string (step, 1);
  writer->directory = path;
  writer->owner = (struct owner){ step_integer (step, 3), step_integer (step, 4), true };
  autoclose int place = root_open (context, path, O_DIRECTORY, 0);
  int directory = place < 0 ? -1 : openat (place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!writer->reader.buffer || directory < 0)
    return fail (path, "cannot open directory");
  return write_all_entries (writer, directory);
}
