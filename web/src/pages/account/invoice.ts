// SPDX-License-Identifier: Apache-2.0
// An invoice as a PDF, made in the browser. Heavy, so it is loaded when somebody asks for one.
import { PDFDocument, type PDFFont, type PDFPage, rgb, StandardFonts } from "pdf-lib";
import type { Language } from "../../i18n";
import { type Usd, usdText } from "../../lib/money";
import type { Bill } from "./bill";

export const invoiceWords = {
  en: {
    title: "Invoice",
    number: "Number",
    account: "Account",
    issuer: "Issued by gateway",
    network: "Chain",
    period: "Period",
    issued: "Issued",
    day: "Day (UTC)",
    item: "Item",
    amount: "Amount, USD",
    total: "Total, USD",
    paid: "Paid from the prepaid account. Nothing is due.",
    none: "Nothing was charged in this period.",
    note: "Made in the browser from the gateway's costs by day. Each receipt and its transaction are in the CSV table.",
    page: (page: number, of: number) => `Page ${page} of ${of}`,
  },
  zh: {
    title: "账单",
    number: "编号",
    account: "账户",
    issuer: "签发网关",
    network: "链",
    period: "期间",
    issued: "开具日期",
    day: "日期（UTC）",
    item: "项目",
    amount: "金额（USD）",
    total: "合计（USD）",
    paid: "已从预付账户支付，无需再付款。",
    none: "期间没有任何费用。",
    note: "由浏览器根据网关的每日费用生成。逐笔收据与交易可从 CSV 表格核对。",
    page: (page: number, of: number) => `第 ${page} 页，共 ${of} 页`,
  },
} as const;

const WIDTH = 595;
const HEIGHT = 842;
const MARGIN = 56;
const ROW = 18;
const FOOT = 70;
const INK = rgb(0.07, 0.13, 0.12);
const FAINT = rgb(0.37, 0.43, 0.43);
const LINE = rgb(0.85, 0.87, 0.87);
const ACCENT = rgb(0.06, 0.46, 0.43);

interface Fonts {
  latin: PDFFont;
  bold: PDFFont;
  /** For everything outside of ASCII; null in English. */
  wide: PDFFont | null;
}

interface Style {
  size?: number;
  bold?: boolean;
  colour?: ReturnType<typeof rgb>;
}

/** Draws text at a place of a page, each part in the font that has its letters. */
class Pen {
  constructor(
    readonly page: PDFPage,
    private readonly fonts: Fonts,
  ) {}

  private runs(text: string, { size = 10, bold = false }: Style) {
    const latin = bold ? this.fonts.bold : this.fonts.latin;
    return (text.match(/[ -~]+|[^ -~]+/g) ?? []).map((part) => {
      const isLatin = /^[ -~]/.test(part);
      const font = isLatin ? latin : this.fonts.wide;
      const drawn = font ? part : "?".repeat(part.length);
      return { drawn, font: font ?? latin, width: (font ?? latin).widthOfTextAtSize(drawn, size) };
    });
  }

  at(x: number, y: number, text: string, style: Style = {}): void {
    let left = x;
    for (const { drawn, font, width } of this.runs(text, style)) {
      this.page.drawText(drawn, { x: left, y, size: style.size ?? 10, font, color: style.colour ?? INK });
      left += width;
    }
  }

  endingAt(right: number, y: number, text: string, style: Style = {}): void {
    const width = this.runs(text, style).reduce((sum, run) => sum + run.width, 0);
    this.at(right - width, y, text, style);
  }

  line(y: number): void {
    this.page.drawLine({ start: { x: MARGIN, y }, end: { x: WIDTH - MARGIN, y }, thickness: 0.8, color: LINE });
  }
}

const dayText = (unixSeconds: number) => new Date(unixSeconds * 1_000).toISOString().slice(0, 10);
/** What a font of ASCII cannot show would otherwise stop the whole document. */
const printable = (text: string) => text.replace(/[^ -~]/g, "?").slice(0, 90);
const sumOf = (bill: Bill): Usd => bill.lines.reduce((sum, line) => sum + line.amount, 0n);

function drawHead(pen: Pen, bill: Bill, language: Language): number {
  const t = invoiceWords[language];
  pen.at(MARGIN, HEIGHT - 76, "Vcity", { size: 20, bold: true, colour: ACCENT });
  pen.endingAt(WIDTH - MARGIN, HEIGHT - 76, t.title, { size: 20, bold: true });
  const facts: [string, string][] = [
    [t.number, bill.number],
    [t.account, bill.account],
    [t.issuer, `${bill.gateway.url ?? ""} ${bill.gateway.address}`.trim()],
    [t.network, String(bill.chainId)],
    [t.period, `${dayText(bill.from)} - ${dayText(bill.until - 1)}`],
    [t.issued, dayText(bill.issued)],
  ];
  let y = HEIGHT - 116;
  for (const [name, value] of facts) {
    pen.at(MARGIN, y, name, { colour: FAINT });
    pen.at(MARGIN + 110, y, printable(value), { size: 9 });
    y -= ROW - 2;
  }
  return y - 14;
}

function drawColumns(pen: Pen, y: number, language: Language): number {
  const t = invoiceWords[language];
  pen.at(MARGIN, y, t.day, { colour: FAINT });
  pen.at(MARGIN + 110, y, t.item, { colour: FAINT });
  pen.endingAt(WIDTH - MARGIN, y, t.amount, { colour: FAINT });
  pen.line(y - 6);
  return y - ROW - 4;
}

function drawEnd(pen: Pen, y: number, bill: Bill, language: Language): void {
  const t = invoiceWords[language];
  pen.line(y + 10);
  pen.at(MARGIN, y - 8, t.total, { size: 12, bold: true });
  pen.endingAt(WIDTH - MARGIN, y - 8, usdText(sumOf(bill)), { size: 12, bold: true });
  pen.at(MARGIN, y - 34, bill.lines.length > 0 ? t.paid : t.none);
  pen.at(MARGIN, y - 52, t.note, { size: 8, colour: FAINT });
}

async function fontsOf(document: PDFDocument, wideFont: ArrayBuffer | null): Promise<Fonts> {
  let wide: PDFFont | null = null;
  if (wideFont) {
    const { default: fontkit } = await import("@pdf-lib/fontkit");
    document.registerFontkit(fontkit);
    wide = await document.embedFont(wideFont, { subset: false });
  }
  const latin = await document.embedFont(StandardFonts.Helvetica);
  return { latin, bold: await document.embedFont(StandardFonts.HelveticaBold), wide };
}

/** wideFont: TrueType with the letters of invoiceWords.zh; English needs none. */
export async function invoicePdf(bill: Bill, language: Language, wideFont: ArrayBuffer | null): Promise<Uint8Array> {
  const t = invoiceWords[language];
  const document = await PDFDocument.create();
  document.setTitle(`Vcity ${bill.number}`);
  document.setLanguage(language === "zh" ? "zh-CN" : "en");
  document.setCreationDate(new Date(bill.issued * 1_000));
  const fonts = await fontsOf(document, wideFont);
  const pens: Pen[] = [];
  const turn = () => {
    const pen = new Pen(document.addPage([WIDTH, HEIGHT]), fonts);
    pens.push(pen);
    return pen;
  };
  let pen = turn();
  let y = drawColumns(pen, drawHead(pen, bill, language), language);
  for (const line of bill.lines) {
    if (y < FOOT + 4 * ROW) {
      pen = turn();
      y = drawColumns(pen, HEIGHT - 76, language);
    }
    pen.at(MARGIN, y, dayText(line.day));
    pen.at(MARGIN + 110, y, printable(line.item));
    pen.endingAt(WIDTH - MARGIN, y, usdText(line.amount));
    y -= ROW;
  }
  drawEnd(pen, y, bill, language);
  pens.forEach((one, index) => {
    one.endingAt(WIDTH - MARGIN, 40, t.page(index + 1, pens.length), { size: 8, colour: FAINT });
  });
  return document.save();
}
