/*
 * The target may be a volume that another container uses, which may change any name in it at any moment: nothing there
 * is ever followed, and what we made is only touched through its descriptor.
 */
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "data.h"
#include "links.h"
#include "walk.h"

struct copy {
  int top; /* the volume's data directory */
  struct links links;
  char path[TREE_PATH_BYTES]; /* of what is being copied, below the top */
};

struct entry {
  int from, to; /* directories */
  const char *name;
  struct stat st;
};

static int copy_directory (struct copy *copy, int from, int to, int depth);

/* Attributes a file system does not have are left out, as cp(1) does. */
static int
copy_xattr (int from, int to, const char *name)
{
  char value[XATTR_SIZE_MAX];
  ssize_t size = fgetxattr (from, name, value, sizeof value);
  if (size < 0)
    return errno == ENODATA ? 0 : -1;
  return fsetxattr (to, name, value, (size_t) size, 0) < 0 && errno != ENOTSUP ? -1 : 0;
}

static int
copy_xattrs (int from, int to)
{
  autofree char *names = malloc (XATTR_LIST_MAX);
  ssize_t size = names ? flistxattr (from, names, XATTR_LIST_MAX) : -1;
  if (size < 0)
    return errno == ENOTSUP ? 0 : -1;
  for (const char *name = names; name < names + size; name += strlen (name) + 1)
    if (copy_xattr (from, to, name) < 0)
      return -1;
  return 0;
}

/* Owner first: chown clears setuid bits and file capabilities. Time last. */
static int
copy_meta (int from, int to, const struct stat *st)
{
  struct timespec times[2] = { st->st_atim, st->st_mtim };
  if (fchown (to, st->st_uid, st->st_gid) < 0 || copy_xattrs (from, to) < 0)
    return -1;
  return fchmod (to, st->st_mode & 07777) < 0 ? -1 : futimens (to, times);
}

/* For what cannot be opened for writing: through a descriptor of the very thing, which stands for it in /proc. */
static int
copy_meta_at (const struct entry *entry)
{
  struct timespec times[2] = { entry->st.st_atim, entry->st.st_mtim };
  char link[32];
  autoclose int fd = openat (entry->to, entry->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  if (fd < 0 || fchownat (fd, "", entry->st.st_uid, entry->st.st_gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
    return -1;
  if (S_ISLNK (entry->st.st_mode))
    return utimensat (fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
  return chmod (link, entry->st.st_mode & 07777) < 0 ? -1 : utimensat (AT_FDCWD, link, times, 0);
}

static int
copy_file (const struct entry *entry)
{
  autoclose int from = openat (entry->from, entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  autoclose int to
      = openat (entry->to, entry->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (from < 0 || to < 0 || copy_data (from, 0, to, ALL_BYTES) < 0)
    return -1;
  return copy_meta (from, to, &entry->st);
}

static int
copy_symlink (const struct entry *entry)
{
  char text[PATH_MAX];
  ssize_t size = readlinkat (entry->from, entry->name, text, sizeof text - 1);
  if (size < 0)
    return -1;
  text[size] = 0;
  return symlinkat (text, entry->to, entry->name) < 0 ? -1 : copy_meta_at (entry);
}

static int
copy_node (const struct entry *entry)
{
  if (mknodat (entry->to, entry->name, entry->st.st_mode & (S_IFMT | 0777), entry->st.st_rdev) == 0)
    return copy_meta_at (entry);
  /* Nobody may make devices in a user namespace, and in a volume no device opens anyway. */
  return errno == EPERM && !S_ISFIFO (entry->st.st_mode) ? 0 : -1;
}

/* A directory of ours, or one that another container has put there in its place: inside the volume in any case. */
static int
copy_subdirectory (struct copy *copy, const struct entry *entry, int depth)
{
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  if (depth == MAX_TREE_DEPTH) {
    errno = ENAMETOOLONG;
    return -1;
  }
  if (mkdirat (entry->to, entry->name, 0700) < 0)
    return -1;
  autoclose int from = openat (entry->from, entry->name, flags), to = openat (entry->to, entry->name, flags);
  if (from < 0 || to < 0 || copy_directory (copy, from, to, depth + 1) < 0)
    return -1;
  return copy_meta (from, to, &entry->st);
}

/* 1: linked to its first name; 0: this is the first. */
static int
copy_link (struct copy *copy, const struct entry *entry)
{
  const char *first;
  int known = first_name (&copy->links, &entry->st, copy->path + 1, &first);
  return known <= 0 ? known : link_to (copy->top, first, entry->to, entry->name) < 0 ? -1 : 1;
}

static int
copy_entry (struct copy *copy, struct entry *entry, int depth)
{
  if (fstatat (entry->from, entry->name, &entry->st, AT_SYMLINK_NOFOLLOW) < 0)
    return -1;
  if (S_ISDIR (entry->st.st_mode))
    return copy_subdirectory (copy, entry, depth);
  int linked = entry->st.st_nlink > 1 ? copy_link (copy, entry) : 0;
  if (linked)
    return linked < 0 ? -1 : 0;
  if (S_ISREG (entry->st.st_mode))
    return copy_file (entry);
  /* A socket is nothing without the process that listens. */
  if (S_ISSOCK (entry->st.st_mode))
    return 0;
  return S_ISLNK (entry->st.st_mode) ? copy_symlink (entry) : copy_node (entry);
}

static int
copy_directory (struct copy *copy, int from, int to, int depth)
{
  size_t length = strlen (copy->path);
  autolisting DIR *listing = open_listing (from, ".");
  if (!listing)
    return -1;
  for (const struct dirent *next; (next = next_entry (listing)) != NULL;) {
    struct entry entry = { .from = from, .to = to, .name = next->d_name };
    /* On a failure the path is left for the message. */
    if (append_name (copy->path, length, next->d_name) < 0 || copy_entry (copy, &entry, depth) < 0)
      return -1;
    copy->path[length] = 0;
  }
  return errno ? -1 : 0;
}

static void
free_copy (struct copy *copy)
{
  free_links (&copy->links);
}

int
copy_tree (int from, int to)
{
  struct stat st;
  __attribute__ ((cleanup (free_copy))) struct copy copy = { .top = to };
  if (fstat (from, &st) < 0 || copy_directory (&copy, from, to, 0) < 0 || copy_meta (from, to, &st) < 0)
    return fail (copy.path, "cannot copy the image's files to the volume");
  return 0;
}
