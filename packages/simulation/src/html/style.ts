/** The page's style: light or dark as the reader's system is. */
export const style = `
:root{color-scheme:light dark;--ink:light-dark(#1d2433,#e6e9f0);--dim:light-dark(#667085,#98a2b3);--line:light-dark(#e4e7ec,#2b3546);--back:light-dark(#fff,#101828);--soft:light-dark(#f8f9fb,#182230);
--c0:light-dark(#2563eb,#84adff);--c1:light-dark(#dc6803,#fdb022);--c2:light-dark(#067647,#47cd89);--c3:light-dark(#b42318,#f97066);--c4:light-dark(#6941c6,#b692f6);--c5:light-dark(#475467,#d0d5dd)}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1320px;margin:0 auto;padding:28px 24px 64px}
h1{font-size:24px;margin:0 0 4px}h2{font-size:18px;margin:40px 0 2px}p{margin:0 0 10px}.dim{color:var(--dim)}
code{font:13px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;margin-top:12px}
th,td{padding:3px 0 3px 32px;text-align:right;border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums;white-space:nowrap}
th:first-child{text-align:left;font-weight:400;padding-left:12px}thead th{font-weight:600}
.group th{background:var(--soft);font-weight:600;padding:8px 12px 4px}
.row{display:flex;flex-wrap:wrap;gap:16px}figure{margin:8px 0 0;flex:1 1 360px;max-width:520px}figcaption{font-weight:600}
svg{display:block;width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:var(--dim)}
.grid{stroke:var(--line)}.mark{stroke:var(--c3);stroke-dasharray:5 4}polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}
.legend{margin:0;display:flex;flex-wrap:wrap;gap:2px 16px;font-size:13px}.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px}
${[0, 1, 2, 3, 4, 5].map((n) => `.s${n}{stroke:var(--c${n})}.k${n}{background:var(--c${n})}`).join("")}`;
