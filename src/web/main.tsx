import { render } from 'preact';
import { listenToKeys } from './keys.js';
import { setLive } from './open-file.js';
import { startPlayer } from './player.js';
import { LiveSource } from './source/live.js';
import { addEvents, dropped, lab, restart, source } from './store.js';
import { App } from './views/app.js';

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
listenToKeys();
startPlayer();

let known = '';
setLive(
  new LiveSource({
    onLab: (cluster) => {
      const identity = `${cluster.seed} ${cluster.startedAt}`;
      if (known !== '' && identity !== known) restart();
      known = identity;
      lab.value = cluster;
    },
    onEvents: addEvents,
    onGap: (lost) => (dropped.value += lost),
    onStatus: (status) => {
      if (source.peek() !== 'file') source.value = status;
    },
  }),
);
