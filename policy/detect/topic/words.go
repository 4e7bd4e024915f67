package topic

// allSubjects are the classes that words tell. Words are in lower case; a plural
// with s counts too.
var allSubjects = []subject{
	{Legal, []string{
		"plaintiff", "defendant", "indemnif", "indemnification", "indemnify", "hereinafter", "hereby agree", "force majeure", "statute of limitations", "breach of contract", "non-disclosure agreement", "governing law",
		"attorney-client", "subpoena", "affidavit", "tort", "litigation", "appellant", "case law", "gdpr compliance", "terms of service", "power of attorney", "cease and desist", "severability", "habeas corpus",
		"supreme court", "district court", "intellectual property", "arbitration clause", "liability clause", "lease agreement", "employment contract", "copyright infringement", "restraining order", "probate", "civil code",
		"schadensersatz", "mietvertrag", "kündigungsfrist", "rechtsanwalt", "vertragsstrafe", "demandeur", "dommages-intérêts", "avocat", "demandante", "contrato de arrendamiento",
	}, []string{
		"lawyer", "attorney", "court", "contract", "clause", "legal", "lawsuit", "sue", "liable", "liability", "judge", "jury", "statute", "jurisdiction", "copyright", "trademark", "patent", "custody", "tenant", "landlord",
		"compliance", "gdpr", "nda", "settlement", "verdict", "legislation", "regulation", "agreement", "party", "parties", "gericht", "vertrag", "klage", "juridique", "contrat", "tribunal", "contrato", "abogado",
	}},
	{Medical, []string{
		"diagnosed with", "differential diagnosis", "mg daily", "mg twice", "milligrams of", "blood pressure", "chest pain", "side effect", "clinical trial", "chemotherapy", "antibiotic", "metformin", "ibuprofen", "insulin", "mri scan", "ct scan",
		"biopsy", "prognosis", "comorbid", "hypertension", "diabetes", "asthma", "pneumonia", "medical history", "prescription", "prescribed", "pathology", "oncology", "cardiology", "psychiatric", "antidepressant", "vaccine", "pregnancy",
		"shortness of breath", "physical examination", "lab results", "discharge summary", "blood test", "dosage", "tumor", "tumour", "icd-10", "white blood cell", "heart rate",
		"blutdruck", "diagnose", "medikament", "nebenwirkung", "ordonnance", "hypertension artérielle", "presión arterial", "receta médica",
	}, []string{
		"patient", "doctor", "symptom", "disease", "treatment", "therapy", "hospital", "surgery", "clinical", "pain", "fever", "infection", "cancer", "medication", "drug", "dose", "nurse", "physician", "chronic", "headache", "cough", "nausea",
		"allergy", "allergic", "mental health", "anxiety", "depression", "stroke", "arzt", "krankheit", "schmerzen", "médecin", "maladie", "médico", "enfermedad", "síntoma",
	}},
	{Financial, []string{
		"balance sheet", "income statement", "cash flow", "ebitda", "net income", "gross margin", "earnings per share", "interest rate", "mortgage", "credit score", "stock price", "stock market", "hedge fund", "mutual fund", "index fund", "401k", "401(k)",
		"roth ira", "tax return", "tax deduction", "capital gains", "accounts payable", "accounts receivable", "wire transfer", "bank account", "routing number", "dividend", "portfolio", "compound interest", "amortization", "depreciation",
		"fiscal year", "quarterly report", "shareholder", "securities", "cryptocurrency", "bitcoin", "credit card debt", "exchange rate", "inflation rate", "bond yield", "options trading", "valuation", "ipo",
		"kontostand", "steuererklärung", "zinssatz", "bilanz", "aktien", "taux d'intérêt", "hypothèque", "tasa de interés", "declaración de la renta",
	}, []string{
		"invoice", "revenue", "profit", "loan", "investment", "invest", "investor", "bank", "budget", "tax", "taxes", "income", "expense", "debt", "stock", "bond", "asset", "equity", "audit", "payment", "savings", "interest", "credit", "payroll", "fund", "market",
		"broker", "konto", "steuer", "kredit", "impôt", "banque", "impuesto", "banco", "préstamo",
	}},
	{HR, []string{
		"performance review", "performance improvement plan", "job offer", "offer letter", "annual salary", "base salary", "severance", "termination letter", "employee handbook", "human resources", "job description", "cover letter", "exit interview",
		"maternity leave", "paternity leave", "parental leave", "sick leave", "paid time off", "pto", "hiring manager", "recruiter", "job applicant", "reference letter", "disciplinary action", "onboarding", "background check", "work permit",
		"resignation letter", "curriculum vitae", "gehaltserhöhung", "bewerbungsschreiben", "arbeitszeugnis", "lettre de motivation", "carta de presentación",
	}, []string{
		"employee", "salary", "candidate", "interview", "resume", "résumé", "hiring", "recruitment", "promotion", "colleague", "manager", "overtime", "payroll", "resign", "layoff", "applicant", "job", "career", "workplace", "harassment", "bonus", "mitarbeiter", "gehalt", "bewerbung", "salaire", "empleado",
	}},
}
