/** The page's own style; colours are the theme's. What depends on room asks its card, not the window. */
export const pageCss = `*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}
main,header .in,nav .in{max-width:1240px;margin:0 auto;padding:0 24px}
header{background:var(--card);border-bottom:1px solid var(--line);padding:22px 0 16px}
header .in{display:flex;justify-content:space-between;align-items:flex-start;gap:16px}
h1{font-size:24px;line-height:1.25;margin:0;overflow-wrap:anywhere}header .in>div,footer{min-width:0;overflow-wrap:anywhere}h1+p{margin:4px 0 0;color:var(--quiet)}
h2{font-size:18px;margin:34px 0 12px}h3{font-size:15px;margin:0 0 4px}
nav{position:sticky;top:0;z-index:2;background:var(--card);border-bottom:1px solid var(--line)}
nav .in{display:flex;gap:20px;padding-top:9px;padding-bottom:9px}
a{color:var(--accent);text-decoration:none}nav a{white-space:nowrap}a:hover{text-decoration:underline}
button{font:inherit;color:inherit;background:var(--page);border:1px solid var(--line);border-radius:7px;padding:5px 12px;cursor:pointer;white-space:nowrap}
button:focus-visible,input:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(205px,1fr));gap:12px;margin-top:22px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px;display:flex;flex-direction:column}
.tiles+.grid{margin-top:16px}
.tile span,.tile small{color:var(--quiet);font-size:13px}.tile b{font-size:22px;line-height:1.3;font-variant-numeric:tabular-nums}
.tile.good b{color:var(--good)}.tile.bad b{color:var(--bad)}
[id]{scroll-margin-top:52px}.hash{margin-top:8px}.grid{display:grid;align-items:start;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;min-width:0;container-type:inline-size}
.frames>*{display:none}.frames>.half{display:block}@container (max-width:429px){.frames>.half{display:none}.frames>.phone{display:block}}
@container (min-width:900px){.frames.three>.half{display:none}.frames.three>.full{display:block}}
.said{margin:10px 0;font-weight:600}details{margin-top:10px}summary{cursor:pointer;color:var(--accent);font-size:14px}bdi{overflow-wrap:anywhere}
.card.wide{grid-column:1/-1}.card svg{display:block;max-width:100%;height:auto}
.note{color:var(--quiet);font-size:13px;margin:0 0 6px}
.legend{margin:4px 0 6px;display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px}
.key{display:inline-flex;align-items:center;gap:6px}.key i{display:inline-block;width:16px;height:11px;border-radius:2px}
.ramp{display:inline-flex;align-items:center;gap:7px;margin-right:20px}.ramp>span{display:inline-flex}.ramp i{display:inline-block;width:20px;height:12px}
.hour{display:flex;align-items:center;gap:14px;margin:8px 0 2px;flex-wrap:wrap}.hour input{flex:1 1 260px;accent-color:var(--accent)}
.hour output{font-weight:650;min-width:11em;font-variant-numeric:tabular-nums}
.facts{display:grid;grid-template-columns:repeat(4,1fr);gap:6px 16px;margin:14px 0 0;padding-top:12px;border-top:1px solid var(--line)}
.facts div{display:flex;flex-direction:column}.facts dt{color:var(--quiet);font-size:13px}.facts dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--line);vertical-align:top}td{white-space:nowrap}td.words,.few td{white-space:normal}td.words{overflow-wrap:anywhere}
thead th{vertical-align:bottom}th:first-child{text-align:left}th{color:var(--quiet);font-weight:600}tbody th{color:inherit;font-weight:400}
tfoot th,tfoot td{color:inherit;font-weight:650;border-bottom:0;border-top:2px solid var(--line)}
@container (max-width:760px){table.many thead{display:none}table.many,table.many tbody,table.many tfoot{display:block}table.many tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(92px,1fr));gap:2px 12px;padding:8px 0;border-bottom:1px solid var(--line)}table.many :is(th,td){display:block;padding:0;border:0;text-align:left}table.many th{grid-column:1/-1;font-weight:600}table.many td::before{content:attr(data-label);display:block;color:var(--quiet);font-size:12px;font-weight:400;white-space:normal}}
td.words,th.words{text-align:left}
@container (max-width:760px){table td.words{grid-column:1/-1}}
@container (max-width:600px){.facts{grid-template-columns:repeat(2,1fr)}}
@container (max-width:429px){table.some thead{display:none}table.some,table.some tbody,table.some tfoot{display:block}table.some tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(92px,1fr));gap:2px 12px;padding:8px 0;border-bottom:1px solid var(--line)}table.some :is(th,td){display:block;padding:0;border:0;text-align:left}table.some th{grid-column:1/-1;font-weight:600}table.some td::before{content:attr(data-label);display:block;color:var(--quiet);font-size:12px;font-weight:400;white-space:normal}th,td{padding:5px 4px}}
code{font:13px ui-monospace,Consolas,monospace;overflow-wrap:anywhere}
.verdict{display:inline-block;padding:1px 10px;border-radius:20px;color:#fff;font-weight:600;font-size:13px;background:var(--quiet)}
.verdict.valid{background:#1d7f4e}.verdict.invalid{background:#b9302b}
footer{color:var(--quiet);font-size:13px;padding:26px 0 40px}
@media(max-width:1100px){.grid{grid-template-columns:minmax(0,1fr)}}@media(max-width:860px){main,header .in,nav .in{padding-left:14px;padding-right:14px}.card{padding:14px}nav .in{flex-wrap:wrap;gap:4px 16px;overflow:visible}nav{position:static}}
@media(max-width:560px){.tiles{grid-template-columns:repeat(2,minmax(0,1fr));gap:8px}.tile{padding:9px 11px}.tile b{font-size:18px}}
@media print{nav,button,.hour{display:none}.card,.tile{break-inside:avoid}}`;
