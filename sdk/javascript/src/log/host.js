// Inside a plug-in: lines go to the server's log. `muster-sdk build` takes this file.

export { log } from 'muster:plugin/log@1.0.0';
