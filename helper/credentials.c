#include "credentials.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"

struct capability_sets {
  uint64_t effective, permitted, inheritable;
};

static int
get_capabilities (struct capability_sets *sets)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[2];
  if (syscall (SYS_capget, &header, data) < 0)
    return -1;
  sets->effective = (uint64_t) data[1].effective << 32 | data[0].effective;
  sets->permitted = (uint64_t) data[1].permitted << 32 | data[0].permitted;
  sets->inheritable = (uint64_t) data[1].inheritable << 32 | data[0].inheritable;
  return 0;
}

static int
set_capabilities (struct capability_sets sets)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[2];
  for (int i = 0; i < 2; i++) {
    data[i].effective = (uint32_t) (sets.effective >> 32 * i);
    data[i].permitted = (uint32_t) (sets.permitted >> 32 * i);
    data[i].inheritable = (uint32_t) (sets.inheritable >> 32 * i);
  }
  return (int) syscall (SYS_capset, &header, data);
}

bool
have_capability (unsigned capability)
{
  struct capability_sets sets;
  return get_capabilities (&sets) == 0 && sets.effective >> capability & 1;
}

/* Capabilities the bounding set no longer has need no privilege to stay dropped. */
static int
limit_bounding_set (uint64_t keep)
{
  for (unsigned capability = 0; capability < 64; capability++) {
    int present = prctl (PR_CAPBSET_READ, capability);
    if (present < 0)
      return 0; /* beyond the kernel's last capability */
    if (present && !(keep >> capability & 1) && prctl (PR_CAPBSET_DROP, capability) < 0)
      return -1;
  }
  return 0;
}

static int
set_groups (const struct step *step, size_t first)
{
  size_t count = step->argc - first;
  autofree gid_t *groups = calloc (count + 1, sizeof *groups);
  if (!groups)
    return -1;
  for (size_t i = 0; i < count; i++)
    groups[i] = (gid_t) step_integer (step, first + i);
  return setgroups (count, groups);
}

static int
raise_ambient (uint64_t wanted)
{
  /* EINVAL: Linux before 4.3, where there is no such set to clear. */
  if (prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
    return -1;
  for (unsigned capability = 0; capability < 64; capability++)
    if (wanted >> capability & 1 && prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
      return -1;
  return 0;
}

/* So that the program can open /dev/stderr: pipes of ours, never what a user gave us. */
static void
give_streams (const struct context *context, uid_t uid)
{
  struct stat st;
  for (int fd = 0; fd <= 2; fd++)
    if (context->service && fstat (fd, &st) == 0 && S_ISFIFO (st.st_mode))
      (void) !fchown (fd, uid, (gid_t) -1);
}

/* Arguments: uid gid bounding permitted effective inheritable ambient, 1 if groups are given, groups. */
int
step_credentials (struct context *context, const struct step *step)
{
  uid_t uid = (uid_t) step_integer (step, 0);
  gid_t gid = (gid_t) step_integer (step, 1);
  struct capability_sets sets = { .permitted = step_integer (step, 3),
                                  .effective = step_integer (step, 4),
                                  .inheritable = step_integer (step, 5) };
  char id[32];
  if (limit_bounding_set (step_integer (step, 2)) < 0)
    return fail ("", "cannot drop capabilities from the bounding set");
  if (prctl (PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
    return fail ("", "cannot keep capabilities");
  if (step_integer (step, 7) && set_groups (step, 8) < 0)
    return fail ("", "cannot set supplementary groups");
  give_streams (context, uid);
  snprintf (id, sizeof id, "%u:%u", (unsigned) uid, (unsigned) gid);
  if (setresgid (gid, gid, gid) < 0 || setresuid (uid, uid, uid) < 0)
    return fail (id, "cannot change to user");
  if (set_capabilities (sets) < 0 || raise_ambient (step_integer (step, 6)) < 0)
    return fail (id, "cannot set capabilities");
  die_with_supervisor (context);
  return 0;
}

int
step_no_new_privileges (struct context *context, const struct step *step)
{
  (void) context, (void) step;
  return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? fail ("", "cannot set no_new_privs") : 0;
}
