"""The pages for what stands around a window: appointments, queue, rota, enquiries, ratings and the rest."""
