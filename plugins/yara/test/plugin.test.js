// The cases in `cases/`, and the examples of the description.

import { cases } from 'muster-sdk/cases';
import * as plugin from '../src/plugin.js';

cases(plugin, new URL('../cases/', import.meta.url));
