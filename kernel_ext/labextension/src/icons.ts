/** Icons; JupyterLab's own where they say what is meant. */

import { LabIcon, listIcon, notebookIcon, refreshIcon, runIcon } from '@jupyterlab/ui-components';

function svg(body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16">${body}</svg>`;
}

/** JupyterLab colours the strokes of this class; a fill beside them would be coloured too. */
const LINE = 'class="jp-icon3" stroke="#616161" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';

/** A mill wheel over a stream. */
export const millstreamIcon = new LabIcon({
  name: 'millstream:logo',
  svgstr: svg(
    `<g fill="none"><circle ${LINE} cx="12" cy="9.5" r="6.5"/>` +
      `<path ${LINE} d="M12 3v13M5.5 9.5h13M7.4 4.9l9.2 9.2M16.6 4.9l-9.2 9.2"/>` +
      `<path ${LINE} d="M3 20.5c2-1.6 4-1.6 6 0s4 1.6 6 0 4-1.6 6 0"/></g>`
  )
});

export const promoteIcon = new LabIcon({
  name: 'millstream:promote',
  svgstr: svg(
    '<path class="jp-icon3" fill="#616161" d="M12 3l7 7h-4v6H9v-6H5l7-7zM5 19h14v2H5v-2z"/>'
  )
});

export const pauseIcon = new LabIcon({
  name: 'millstream:pause',
  svgstr: svg('<path class="jp-icon3" fill="#616161" d="M6 5h4v14H6zM14 5h4v14h-4z"/>')
});

export const stopIcon = new LabIcon({
  name: 'millstream:stop',
  svgstr: svg('<path class="jp-icon3" fill="#616161" d="M6 6h12v12H6z"/>')
});

export const chartIcon = new LabIcon({
  name: 'millstream:chart',
  svgstr: svg(`<g fill="none"><path ${LINE} d="M4 4v16h16M7 15l4-5 3 3 5-7"/></g>`)
});

export const traderIcon = new LabIcon({
  name: 'millstream:trader',
  svgstr: svg(`<g fill="none"><path ${LINE} d="M8 4v3m0 8v5M16 4v5m0 8v3M5.5 7h5v8h-5zM13.5 9h5v8h-5z"/></g>`)
});

export const startIcon = runIcon;
export const logIcon = listIcon;
export const notebookRunIcon = notebookIcon;
export const resumeIcon = refreshIcon;
export const strategyIcon = notebookIcon;
