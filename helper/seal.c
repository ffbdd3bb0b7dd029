/*
 * CVE-2019-5736: a program in a container can be made to be us (`#!/proc/self/exe`), keep /proc/self/exe open, and
 * write to it once we have gone. Root in the container is root on the host for that file. So what runs near containers
 * is a view of that file that is read-only, or a copy in memory sealed against writing.
 */
#include "seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "kernel.h"

#define SELF "/proc/self/exe"
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* The read-only view made below: a mount of this one file. */
static bool
is_readonly_mount (int self)
{
  struct statx stx;
  struct statvfs fs;
  return fstatvfs (self, &fs) == 0 && fs.f_flag & ST_RDONLY && statx (self, "", AT_EMPTY_PATH, 0, &stx) == 0
         && stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

/* Root's program and we are not root: neither are the container's users. */
static bool
is_out_of_reach (int self)
{
  struct stat st;
  return geteuid () != 0 && fstat (self, &st) == 0 && st.st_uid != geteuid ()
         && faccessat (AT_FDCWD, SELF, W_OK, AT_EACCESS) < 0 && (errno == EACCES || errno == EROFS);
}

/* 1 or 0, -1 where it cannot be told. */
static int
is_sealed (void)
{
  autoclose int self = open (SELF, O_RDONLY | O_CLOEXEC);
  if (self < 0)
    return -1;
  int seals = fcntl (self, F_GET_SEALS);
  return (seals >= 0 && (seals & SEALS) == SEALS) || is_readonly_mount (self) || is_out_of_reach (self);
}

/* Needs CAP_SYS_ADMIN. Half the price of a copy, and no memory. */
static int
readonly_view (void)
{
  struct k_mount_attr attr = { .set = K_ATTR_RDONLY };
  int view = k_open_tree (AT_FDCWD, SELF, K_OPEN_TREE_CLONE);
  if (view >= 0 && k_mount_setattr (view, AT_EMPTY_PATH, attr) < 0)
    close_descriptor (&view);
  return view;
}

/* Linux before 6.3 has no MFD_EXEC and needs none. */
static int
memory_file (const char *name)
{
  int fd = memfd_create (name, MFD_CLOEXEC | MFD_ALLOW_SEALING | K_MFD_EXEC);
  return fd < 0 && errno == EINVAL ? memfd_create (name, MFD_CLOEXEC | MFD_ALLOW_SEALING) : fd;
}

static int
copy_of_ourselves (void)
{
  struct stat st;
  autoclose int self = open (SELF, O_RDONLY | O_CLOEXEC);
  int copy = self < 0 || fstat (self, &st) < 0 ? -1 : memory_file ("pullrun-helper");
  for (off_t left = st.st_size; copy >= 0 && left > 0;) {
    ssize_t sent = sendfile (copy, self, NULL, (size_t) left);
    left -= sent > 0 ? sent : 0;
    if (sent <= 0)
      close_descriptor (&copy);
  }
  if (copy >= 0 && fcntl (copy, F_ADD_SEALS, SEALS) < 0)
    close_descriptor (&copy);
  return copy;
}

/* For the one that comes after us: not closed by execve. */
static int
plan_descriptor (const uint8_t *plan, size_t size)
{
  int fd = memfd_create ("plan", 0);
  return fd >= 0 && write_all (fd, plan, size) == 0 && lseek (fd, 0, SEEK_SET) == 0 ? fd : -1;
}

int
seal_ourselves (const struct context *context, char **argv, const uint8_t *plan, size_t size)
{
  char descriptor[32];
  static char *no_environment[] = { NULL };
  int sealed = is_sealed ();
  if (sealed > 0)
    return 0;
  autoclose int view = sealed < 0 ? -1 : readonly_view ();
  autoclose int copy = sealed < 0 || view >= 0 ? -1 : copy_of_ourselves ();
  if (copy < 0 && view < 0)
    return fail (SELF, "cannot make a sealed copy of the helper");
  if (strncmp (argv[2], "fd:", 3) == 0) {
    int fd = plan_descriptor (plan, size);
    if (fd < 0)
      return fail ("", "cannot keep the plan for the sealed helper");
    snprintf (descriptor, sizeof descriptor, "fd:%d", fd);
    argv[2] = descriptor;
  }
  /* parse_descriptor has it closed on exec. */
  if (context->status_fd >= 0)
    fcntl (context->status_fd, F_SETFD, 0);
  execveat (view < 0 ? copy : view, "", argv, no_environment, AT_EMPTY_PATH);
  return fail (SELF, "cannot start the sealed copy of the helper");
}

int
step_seal (struct context *context, const struct step *step)
{
  (void) context, (void) step;
  return is_sealed () > 0 ? 0 : fail_with (EPERM, SELF, "the helper is not sealed");
}
