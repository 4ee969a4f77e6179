"""The workbench's server: who works on what, drafts as versions, and answers where curation reads them."""
