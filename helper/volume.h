/* copy-up: what an image has at a volume's place becomes the content of a volume that is still empty. */
#ifndef PULLRUN_VOLUME_H
#define PULLRUN_VOLUME_H

#include "util.h"

int step_copy_up (struct context *context, const struct step *step);

#endif
