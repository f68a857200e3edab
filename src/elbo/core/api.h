#pragma once

/// What a shared library shows: public headers open their namespace with it, all else is hidden.
#define ELBO_API [[gnu::visibility("default")]]
