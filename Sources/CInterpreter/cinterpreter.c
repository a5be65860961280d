#include "cinterpreter.h"
