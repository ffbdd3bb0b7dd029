#include "volume.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "copy.h"
#include "remove.h"
#include "root.h"
#include "walk.h"

/* Inside the volume's directory, beside `data`: there as long as a copy is not complete. */
static const char MARKER[] = "copying";

static bool
is_empty (int fd)
{
  autolisting DIR *listing = open_listing (fd, ".");
  return listing && !next_entry (listing);
}

/*
 * The marker is on disk before the first file is, and goes when all of them are: whatever happens in between, the next
 * container begins again.
 */
static int
fill (int volume, int data, int from)
{
  autoclose int marker = openat (volume, MARKER, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (marker < 0 || fsync (volume) < 0)
    return fail (MARKER, "cannot begin to fill the volume");
  if (copy_tree (from, data) < 0)
    return -1;
  if (syncfs (data) < 0 || unlinkat (volume, MARKER, 0) < 0)
    return fail (MARKER, "cannot finish filling the volume");
  return 0;
}

/* Arguments: target in the root, the volume's directory. */
int
step_copy_up (struct context *context, const struct step *step)
{
  const char *target = step_string (step, 0), *path = step_string (step, 1);
  raise_file_limit (context);
  autoclose int volume = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  autoclose int data = volume < 0 ? -1 : openat (volume, "data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (data < 0)
    return fail (path, "cannot open the volume");
  /* Another container may be filling it. */
  while (flock (volume, LOCK_EX) < 0)
    if (errno != EINTR)
      return fail (path, "cannot lock the volume");
  bool cut_short = faccessat (volume, MARKER, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  if (cut_short && remove_all_in (data) < 0)
    return fail (path, "cannot clear the volume");
  if (!is_empty (data))
    return 0;
  autoclose int place = root_open (context, target, O_DIRECTORY, 0);
  /* Not in the image, or no directory: there is nothing to copy, and whether it can be mounted is seen then. */
  if (place < 0)
    return errno == ENOENT || errno == ENOTDIR ? 0 : fail (target, "cannot open the image's directory");
  autoclose int from = openat (place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return from < 0 ? fail (target, "cannot open the image's directory") : fill (volume, data, from);
}
