"""The words of `measures`: what lines of financial statements and what measures are called. Written by hand."""

from typing import NamedTuple

LANGUAGES = ("english", "german", "french", "spanish")

# In the order of LANGUAGES: what is written in annual reports.
STATEMENTS = {
    "income": (
        "consolidated statements of income, operations and earnings",
        "Konzern-Gewinn- und Verlustrechnung",
        "compte de résultat consolidé",
        "cuenta de resultados consolidada, cuenta de pérdidas y ganancias",
    ),
    "balance": (
        "consolidated balance sheets, statement of financial position",
        "Konzernbilanz",
        "bilan consolidé, état de la situation financière",
        "balance consolidado, estado de situación financiera",
    ),
    "cash": (
        "consolidated statements of cash flows",
        "Konzern-Kapitalflussrechnung",
        "tableau des flux de trésorerie consolidés",
        "estado de flujos de efectivo consolidado",
    ),
}
LINES = {
    "sales": ("net sales, revenue", "Umsatzerlöse", "chiffre d'affaires", "importe neto de la cifra de negocios"),
    "cost": (
        "cost of sales, cost of goods sold",
        "Umsatzkosten, Herstellungskosten, Materialaufwand",
        "coût des ventes",
        "coste de ventas",
    ),
    "gross": ("gross profit", "Bruttoergebnis vom Umsatz", "marge brute", "beneficio bruto"),
    "overhead": (
        "selling, general and administrative expenses",
        "Vertriebskosten, Verwaltungskosten",
        "frais commerciaux, généraux et administratifs",
        "gastos de venta, generales y administrativos",
    ),
    "operating": ("operating income", "Betriebsergebnis", "résultat opérationnel", "resultado de explotación"),
    "depreciation": (
        "depreciation and amortization",
        "Abschreibungen",
        "amortissements et dépréciations",
        "amortizaciones",
    ),
    "interest": ("interest expense", "Zinsaufwendungen", "charges d'intérêts", "gastos financieros"),
    "before tax": (
        "income before income taxes",
        "Ergebnis vor Steuern",
        "résultat avant impôt",
        "resultado antes de impuestos",
    ),
    "tax": (
        "income tax expense, provision for income taxes",
        "Ertragsteuern",
        "impôts sur les résultats",
        "impuesto sobre beneficios",
    ),
    "net income": (
        "net income, net earnings",
        "Jahresüberschuss, Konzernergebnis",
        "résultat net",
        "resultado del ejercicio, beneficio neto",
    ),
    "per share": (
        "net earnings per share, basic, diluted, weighted-average shares",
        "Ergebnis je Aktie, unverwässert, verwässert",
        "résultat par action, de base, dilué",
        "beneficio por acción, básico, diluido",
    ),
    "assets": ("total assets", "Bilanzsumme, Summe Aktiva", "total de l'actif", "total activo"),
    "current assets": (
        "total current assets",
        "kurzfristige Vermögenswerte, Umlaufvermögen",
        "total des actifs courants",
        "total activo corriente",
    ),
    "current liabilities": (
        "total current liabilities",
        "kurzfristige Schulden, kurzfristige Verbindlichkeiten",
        "total des passifs courants",
        "total pasivo corriente",
    ),
    "liabilities": ("total liabilities", "Summe Schulden, Verbindlichkeiten", "total des passifs", "total pasivo"),
    "equity": ("total shareholders' equity", "Eigenkapital", "capitaux propres", "patrimonio neto"),
    "debt": (
        "long-term debt, current portion of long-term debt, short-term borrowings",
        "Finanzverbindlichkeiten, Anleihen, Darlehen",
        "dettes financières, emprunts",
        "deudas con entidades de crédito, deuda financiera",
    ),
    "liquid": (
        "cash and cash equivalents, short-term investments",
        "Zahlungsmittel und Zahlungsmitteläquivalente",
        "trésorerie et équivalents de trésorerie",
        "efectivo y equivalentes",
    ),
    "receivables": (
        "accounts receivable",
        "Forderungen aus Lieferungen und Leistungen",
        "créances clients",
        "deudores comerciales",
    ),
    "inventories": ("inventories", "Vorräte", "stocks", "existencias"),
    "payables": (
        "accounts payable",
        "Verbindlichkeiten aus Lieferungen und Leistungen",
        "dettes fournisseurs",
        "acreedores comerciales",
    ),
    "fixed": ("property, plant and equipment", "Sachanlagen", "immobilisations corporelles", "inmovilizado material"),
    "operating cash": (
        "net cash provided by operating activities",
        "Cashflow aus betrieblicher Tätigkeit",
        "flux de trésorerie liés aux activités opérationnelles",
        "flujos de efectivo de las actividades de explotación",
    ),
    "investments": (
        "additions to property and equipment, capital expenditures",
        "Investitionen in Sachanlagen und immaterielle Vermögenswerte",
        "acquisitions d'immobilisations",
        "pagos por inversiones en inmovilizado",
    ),
    "dividends": ("dividends paid", "gezahlte Dividenden", "dividendes versés", "dividendos pagados"),
}


class Measure(NamedTuple):
    """`names`: a pattern of what it is called. `lines`, `statements`: keys of LINES and STATEMENTS."""

    names: str
    lines: tuple[str, ...]
    statements: tuple[str, ...]


MEASURES = (
    Measure(
        r"gross (?:profit )?margins?|gross profits?|(?:brutto|rohertrags)marge|taux de marge brute|margen bruto",
        ("sales", "cost", "gross"),
        ("income",),
    ),
    Measure(
        r"operating (?:profit |income )?margins?|EBIT[- ]mar(?:gins?|ge)|operating profits?"
        r"|operative (?:umsatz)?(?:marge|rendite)|marge opérationnelle|margen operativo",
        ("sales", "operating"),
        ("income",),
    ),
    Measure(
        r"net (?:profit |income )?margins?|profit margins?|return on sales|(?:netto)?umsatzrendite|marge nette"
        r"|margen neto",
        ("sales", "net income"),
        ("income",),
    ),
    Measure(
        r"EBITDA(?:[- ]mar(?:gins?|ge))?",
        ("operating", "depreciation"),
        ("income", "cash"),
    ),
    Measure(
        r"EBIT",
        ("operating",),
        ("income",),
    ),
    Measure(
        r"(?:effective |income )tax (?:rate|ratio)s?|(?:konzern)?steuerquote"
        r"|taux (?:effectif )?d['’]impôt(?: effectif)?|tipo (?:impositivo )?efectivo",
        ("before tax", "tax"),
        ("income",),
    ),
    Measure(
        r"earnings per (?:\w+ )?share|EPS|ergebnis (?:je|pro) aktie|(?:résultat|bénéfice) par action"
        r"|beneficio por acción",
        ("per share",),
        ("income",),
    ),
    Measure(
        r"SG&A",
        ("overhead",),
        ("income",),
    ),
    Measure(
        r"COGS",
        ("cost",),
        ("income",),
    ),
    Measure(
        r"interest coverage|times interest earned|zinsdeckung(?:sgrad|squote)?|couverture des intérêts"
        r"|cobertura de intereses",
        ("operating", "interest"),
        ("income",),
    ),
    Measure(
        r"(?:dividend )?pay-?out ratio|retention ratio|ausschüttungsquote|taux de distribution",
        ("dividends", "net income"),
        ("income", "cash"),
    ),
    Measure(
        r"return on (?:\w+ ){0,2}assets|ROA|gesamtkapitalrendite|rentabilité (?:économique|des actifs)"
        r"|rentabilidad (?:económica|sobre activos)",
        ("net income", "assets"),
        ("income", "balance"),
    ),
    Measure(
        r"return on (?:\w+ )?(?:\w+holders['’]? )?equity|ROE|eigenkapitalrendite"
        r"|rentabilité (?:financière|des capitaux propres)|rentabilidad financiera",
        ("net income", "equity"),
        ("income", "balance"),
    ),
    Measure(
        r"capital employed|ROCE|capitaux employés|capital empleado",
        ("operating", "assets", "current liabilities"),
        ("income", "balance"),
    ),
    Measure(
        r"invested capital|ROIC|investiertes kapital|capital investi|capital invertido",
        ("operating", "tax", "debt", "equity"),
        ("income", "balance"),
    ),
    Measure(
        r"working capital|current ratio|nettoumlaufvermögen|liquidität (?:3\.|dritten) grades|fonds de roulement"
        r"|liquidité générale|fondo de maniobra|ratio de (?:liquidez|circulante)",
        ("current assets", "current liabilities"),
        ("balance",),
    ),
    Measure(
        r"(?:quick|acid[- ]test|cash) ratio|liquidität (?:[12]\.|ersten|zweiten) grades"
        r"|liquidité (?:réduite|immédiate)|prueba ácida",
        ("liquid", "receivables", "current liabilities"),
        ("balance",),
    ),
    Measure(
        r"(?:operating )?cash ?flow (?:to|ratio)",
        ("operating cash", "current liabilities"),
        ("cash", "balance"),
    ),
    Measure(
        r"free cash ?flow|FCF|freie[rn]? cash ?flow|flux de trésorerie (?:disponible|libre)|flujo de caja libre",
        ("operating cash", "investments"),
        ("cash",),
    ),
    Measure(
        r"capex|capital (?:expenditure|spending)s?|investitionsquote|dépenses d['’]investissement",
        ("investments",),
        ("cash",),
    ),
    Measure(
        r"debt[- ]to[- ](?:\w+ )?(?:equity|assets|capital)|(?:total|net|average) debt|debt ratio|gearing ratio"
        r"|leverage ratio|capitali[sz]ation ratio|verschuldungsgrad|nettoverschuldung|(?:taux|ratio) d['’]endettement"
        r"|endettement net|(?:ratio de )?endeudamiento|deuda neta",
        ("debt", "liabilities", "equity"),
        ("balance",),
    ),
    Measure(
        r"equity (?:ratio|multiplier)|eigenkapitalquote|ratio de fonds propres",
        ("equity", "assets"),
        ("balance",),
    ),
    Measure(
        r"inventory turnover|days (?:sales (?:of|in) |of )?inventory|DIO|lagerumschlag\w*|rotation des stocks"
        r"|rotación de (?:inventarios|existencias)",
        ("cost", "inventories"),
        ("income", "balance"),
    ),
    Measure(
        r"receivables? turnover|days sales outstanding|DSO|debitorenlaufzeit|rotation des créances"
        r"|periodo medio de cobro",
        ("sales", "receivables"),
        ("income", "balance"),
    ),
    Measure(
        r"payables? turnover|days payables? outstanding|DPO|kreditorenlaufzeit|rotation des dettes fournisseurs"
        r"|periodo medio de pago",
        ("cost", "payables", "inventories"),
        ("income", "balance"),
    ),
    Measure(
        r"cash conversion cycle",
        ("cost", "inventories", "receivables", "payables"),
        ("income", "balance"),
    ),
    Measure(
        r"fixed asset turnover",
        ("sales", "fixed"),
        ("income", "balance"),
    ),
    Measure(
        r"(?:total )?asset turnover|kapitalumschlag|rotation des actifs|rotación de activos",
        ("sales", "assets"),
        ("income", "balance"),
    ),
    Measure(
        r"D&A",
        ("depreciation",),
        ("cash",),
    ),
    Measure(
        r"book value per share|(?:net )?book value of (?:the )?equity",
        ("equity",),
        ("balance",),
    ),
    Measure(
        r"top[- ]?line",
        ("sales",),
        ("income",),
    ),
    Measure(
        r"bottom[- ]?line",
        ("net income",),
        ("income",),
    ),
)
