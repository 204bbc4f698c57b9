#include "broker/options.h"
