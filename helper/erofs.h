/* A root filesystem's metadata as an EROFS image whose file data lies in other files. */
#ifndef PULLRUN_EROFS_H
#define PULLRUN_EROFS_H

#include "util.h"

int step_mount_erofs (struct context *context, const struct step *step);

#endif
