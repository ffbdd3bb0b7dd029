#include "erofs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kernel.h"

/* Of the step: image, mount point, devices. */
enum { FIRST_DEVICE = 2 };

/* How the kernel is given a file: itself (Linux 6.12 on some filesystems), or as a read-only loop device. */
typedef int (*open_function) (const char *path);

static int
open_file (const char *path)
{
  return open (path, O_RDONLY | O_CLOEXEC);
}

/*
 * The device is gone with its last user: us until the filesystem is mounted, then that. EBUSY: somebody else took the
 * free one first; after 64 losses it is no accident.
 */
static int
open_loop (const char *path)
{
  autoclose int control = open ("/dev/loop-control", O_RDWR | O_CLOEXEC);
  autoclose int file = open_file (path);
  struct loop_config config = { .fd = (unsigned) file,
                                .info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR };
  if (control < 0 || file < 0)
    return -1;
  for (int tries = 0; tries < 64; tries++) {
    char name[32];
    int number = ioctl (control, LOOP_CTL_GET_FREE);
    if (number < 0)
      return -1;
    snprintf (name, sizeof name, "/dev/loop%d", number);
    int device = open (name, O_RDONLY | O_CLOEXEC);
    if (device < 0 || ioctl (device, LOOP_CONFIGURE, &config) == 0)
      return device;
    close_descriptor (&device);
    if (errno != EBUSY)
      return -1;
  }
  return -1;
}

/* By descriptor: fsconfig(2) takes at most 255 bytes. */
static int
set_file (int fs, const char *key, int fd)
{
  char name[32];
  snprintf (name, sizeof name, "/proc/self/fd/%d", fd);
  return fd < 0 ? -1 : k_fsconfig (fs, K_FSCONFIG_SET_STRING, key, name);
}

/* Opens every device and names it to the filesystem; `fds` are for the caller to close, -1 where there is none. */
static int
add_devices (int fs, const struct step *step, open_function opener, int *fds)
{
  for (size_t i = 0; i < step->argc - FIRST_DEVICE; i++) {
    fds[i] = opener (step_string (step, FIRST_DEVICE + i));
    if (set_file (fs, "device", fds[i]) < 0)
      return -1;
  }
  return 0;
}

/* Configured and created, ready for fsmount; -1 with errno. */
static int
create (int fs, const struct step *step, open_function opener, int *fds)
{
  autoclose int image = opener (step_string (step, 0));
  if (k_fsconfig (fs, K_FSCONFIG_SET_FLAG, "ro", NULL) < 0 || set_file (fs, "source", image) < 0
      || add_devices (fs, step, opener, fds) < 0)
    return -1;
  return k_fsconfig (fs, K_FSCONFIG_CMD_CREATE, NULL, NULL);
}

/* A detached mount, or -1 with errno. */
static int
mount_image (const struct step *step, open_function opener)
{
  size_t devices = step->argc - FIRST_DEVICE;
  autoclose int fs = k_fsopen ("erofs");
  autofree int *fds = calloc (devices + 1, sizeof *fds);
  if (fs < 0 || !fds)
    return -1;
  for (size_t i = 0; i < devices; i++)
    fds[i] = -1;
  /* The kernel opens them by name when it mounts, and keeps them. */
  int created = create (fs, step, opener, fds);
  for (size_t i = 0; i < devices; i++)
    close_descriptor (&fds[i]);
  return created < 0 ? -1 : k_fsmount (fs, K_ATTR_RDONLY | K_ATTR_NOSUID | K_ATTR_NODEV);
}

int
step_mount_erofs (struct context *context, const struct step *step)
{
  const char *image = step_string (step, 0), *at = step_string (step, 1);
  /* An image may have more layers than we may open files. */
  raise_file_limit (context);
  autoclose int target = open (at, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (target < 0)
    return fail (at, "cannot open the mount point for erofs");
  int made = mount_image (step, open_file);
  /* Linux before 6.12, or a filesystem such as tmpfs that has no way to read for it. */
  bool by_loop = made < 0 && errno == ENOTBLK;
  if (by_loop)
    made = mount_image (step, open_loop);
  autoclose int mount = made;
  if (mount < 0)
    return fail (image, "cannot mount erofs%s", by_loop ? " through loop devices" : "");
  return k_attach (mount, target) < 0 ? fail (at, "cannot attach erofs") : 0;
}
